#pragma once

#include <string>

#include "pipeline/evaluation/report_data.h"

namespace serenade {

// Sections of report.html, each empty where the data has nothing for it.

std::string headline_html(const ReportData& data);
std::string protocol_html(const ReportData& data);
std::string comparison_html(const ReportData& data);
std::string leakage_html(const ReportData& data);
std::string folds_html(const ReportData& data);
std::string confusion_html(const ReportData& data);
std::string classes_html(const ReportData& data);
std::string groups_html(const ReportData& data);
std::string mistakes_html(const ReportData& data);
std::string calibration_html(const ReportData& data);

std::string corpus_html(const ReportData& data);
std::string model_html(const ReportData& data);
std::string timing_html(const ReportData& data);
std::string config_html(const ReportData& data);
std::string environment_html(const ReportData& data);

}  // namespace serenade
