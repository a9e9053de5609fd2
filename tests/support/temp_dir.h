#pragma once
// A folder for one test: sockets, configuration, logs. Its path is short, because sockaddr_un holds 107 bytes.

#include <string>
#include <vector>

namespace ferry::test {

class TempDir {
 public:
  TempDir();
  ~TempDir();
  TempDir(const TempDir&) = delete;
  TempDir& operator=(const TempDir&) = delete;

  const std::string& path() const { return path_; }
  std::string file(const std::string& name) const { return path_ + "/" + name; }
  /// Names of what lies in @p path, sorted; empty when there is no such folder.
  static std::vector<std::string> list(const std::string& path);

 private:
  std::string path_;
};

void write_file(const std::string& path, const std::string& text);
/// "" when it cannot be read.
std::string read_file(const std::string& path);
/// Folder of the running program: where the build puts every other program, too.
std::string program_folder();

}  // namespace ferry::test
