#include <fmt/format.h>

#include "apps/workplace.h"
#include "pipeline/evaluation/summary.h"
#include "pipeline/experiment/cross_corpus.h"

namespace serenade::app {
namespace {

struct EvaluateArguments {
  std::string folder;
  std::vector<std::string> corpus;  ///< key.path=value words
  bool force = false;
};

}  // namespace

void add_evaluate(CLI::App& program, Common& common, Action& action) {
  CLI::App* command = program.add_subcommand(
      "evaluate", "score a trained run on its own test part, or on another corpus");
  auto arguments = std::make_shared<EvaluateArguments>();
  command->add_option("run", arguments->folder, "a run folder")->required()->type_name("RUN");
  command
      ->add_option(
          "corpus", arguments->corpus,
          "another corpus, as in corpus.path=/data/emodb; its results go to RUN/on-CORPUS/")
      ->type_name("CORPUS.KEY=VALUE");
  command->add_flag("--force", arguments->force, "overwrite results on another corpus");
  add_verify_flag(*command, common);
  command->callback([&common, &action, arguments] {
    action = [&common, arguments](Console& console) {
      const CorpusOptions corpus = corpus_from_words(arguments->corpus);
      const RunFolder run = RunFolder::open(arguments->folder);
      Session session(common, console);
      Workplace place = session.workplace();
      place.force = arguments->force;
      const ReportData report =
          arguments->corpus.empty() ? evaluate(run, place) : evaluate_on(run, corpus, place);
      fmt::print("{}", summary_text(report));
      const RunFolder results(report.tested_on.empty() ? run.path()
                                                       : folder_on(run, report.tested_on));
      console.note(fmt::format("report: {}", results.file(run_file::report).string()));
      return exit_done;
    };
  });
}

}  // namespace serenade::app
