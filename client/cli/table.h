#pragma once
// Columns that are as wide as their widest cell.

#include <string>
#include <vector>

namespace ferry::cli {

class Table {
 public:
  enum class Align { kLeft, kRight };

  explicit Table(std::vector<Align> columns) : columns_(std::move(columns)) {}

  /// As many cells as there are columns.
  void add_row(std::vector<std::string> cells);

  /// One line a row without newline: cells two spaces apart, nothing behind the last one.
  std::vector<std::string> lines() const;

 private:
  std::vector<Align> columns_;
  std::vector<std::vector<std::string>> rows_;
};

}  // namespace ferry::cli
