#include "tests/support/temporary_folder.h"

#include <cstdlib>
#include <fstream>
#include <iterator>

#include "kernels/device/error.h"

namespace serenade::test {

TemporaryFolder::TemporaryFolder() {
  std::string name = (std::filesystem::temp_directory_path() / "serenade-test-XXXXXX").string();
  if (::mkdtemp(name.data()) == nullptr) throw IoError("cannot make a folder like " + name);
  path_ = name;
}

TemporaryFolder::~TemporaryFolder() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

void write_bytes(const std::filesystem::path& path, const std::string& bytes) {
  std::filesystem::create_directories(path.parent_path());
  std::ofstream file(path, std::ios::binary);
  file << bytes;
  file.close();
  if (!file) throw IoError("cannot write " + path.string());
}

std::string read_bytes(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) throw IoError("cannot read " + path.string());
  return {std::istreambuf_iterator<char>(file), {}};
}

}  // namespace serenade::test
