#include "client/cli/png_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <png.h>
#include <setjmp.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>
#include <utility>

#include "client/cli/exit_code.h"

namespace ferry::cli {
namespace {

struct CloseFile {
  void operator()(std::FILE* file) const { std::fclose(file); }
};
using File = std::unique_ptr<std::FILE, CloseFile>;

[[noreturn]] void fail(const std::string& path, std::string_view what) {
  throw CommandError(ExitCode::kFailure, fmt::format("cannot write '{}': {}", path, what));
}

/// libpng's two structs, and the text of its last error.
class Encoder {
 public:
  Encoder() : png_(png_create_write_struct(PNG_LIBPNG_VER_STRING, this, on_error, on_warning)) {
    if (png_) info_ = png_create_info_struct(png_);
  }
  ~Encoder() { png_destroy_write_struct(&png_, &info_); }
  Encoder(const Encoder&) = delete;
  Encoder& operator=(const Encoder&) = delete;

  /// @p rows: as many as the picture is high. False: error() says why.
  bool encode(const Picture& picture, png_bytepp rows, std::FILE* file);
  const char* error() const { return error_.data(); }

 private:
  static void on_error(png_structp png, png_const_charp text) {
    auto* self = static_cast<Encoder*>(png_get_error_ptr(png));
    std::strncpy(self->error_.data(), text, self->error_.size() - 1);
    png_longjmp(png, 1);
  }
  static void on_warning(png_structp, png_const_charp) {}

  void describe_colour(const Picture& picture);

  std::array<char, 128> error_{"out of memory"};
  png_structp png_;
  png_infop info_ = nullptr;
};

// libpng leaves it by longjmp: nothing in here may have a destructor.
bool Encoder::encode(const Picture& picture, png_bytepp rows, std::FILE* file) {
  if (!png_ || !info_) return false;
  if (setjmp(png_jmpbuf(png_))) return false;
  png_init_io(png_, file);
  png_set_user_limits(png_, PNG_UINT_31_MAX, PNG_UINT_31_MAX);
  png_set_IHDR(png_, info_, picture.width_px, picture.height_px, static_cast<int>(picture.bits_per_sample),
               picture.channels == 4 ? PNG_COLOR_TYPE_RGB_ALPHA : PNG_COLOR_TYPE_RGB, PNG_INTERLACE_NONE,
               PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
  describe_colour(picture);
  png_write_info(png_, info_);
  if (picture.bits_per_sample == 16 && std::endian::native == std::endian::little) png_set_swap(png_);
  png_write_image(png_, rows);
  png_write_end(png_, nullptr);
  return true;
}

void Encoder::describe_colour(const Picture& picture) {
  constexpr png_fixed_point kLinear = 100000, kGamma22 = 45455;
  switch (picture.colour) {
    case PictureColour::kSrgb:
      png_set_sRGB_gAMA_and_cHRM(png_, info_, PNG_sRGB_INTENT_RELATIVE);
      return;
    case PictureColour::kUnspecified:
      return;
    case PictureColour::kLinear:
      png_set_gAMA_fixed(png_, info_, kLinear);
      break;
    // sRGB's curve has no number of its own here; 1/2.2 is what the PNG specification gives for it.
    case PictureColour::kSrgbWide:
    case PictureColour::kGamma22:
      png_set_gAMA_fixed(png_, info_, kGamma22);
      break;
  }
  constexpr png_fixed_point kWhiteX = 31270, kWhiteY = 32900;
  switch (picture.primaries) {
    case FERRY_PRIMARIES_BT709:
      png_set_cHRM_fixed(png_, info_, kWhiteX, kWhiteY, 64000, 33000, 30000, 60000, 15000, 6000);
      break;
    case FERRY_PRIMARIES_DISPLAY_P3:
      png_set_cHRM_fixed(png_, info_, kWhiteX, kWhiteY, 68000, 32000, 26500, 69000, 15000, 6000);
      break;
    case FERRY_PRIMARIES_BT2020:
      png_set_cHRM_fixed(png_, info_, kWhiteX, kWhiteY, 70800, 29200, 17000, 79700, 13100, 4600);
      break;
  }
}

/// The samples as libpng takes them: bytes, or 16-bit numbers of this machine.
std::vector<png_byte> bytes_of(const Picture& picture) {
  const auto& samples = picture.samples;
  std::vector<png_byte> bytes(samples.size() * (picture.bits_per_sample / 8));
  if (picture.bits_per_sample == 16) {
    std::memcpy(bytes.data(), samples.data(), bytes.size());
  } else {
    std::transform(samples.begin(), samples.end(), bytes.begin(),
                   [](std::uint16_t v) { return static_cast<png_byte>(v); });
  }
  return bytes;
}

void encode_to(File file, const Picture& picture, const std::string& path) {
  std::vector<png_byte> bytes = bytes_of(picture);
  const std::size_t row_bytes = picture.height_px ? bytes.size() / picture.height_px : 0;
  std::vector<png_bytep> rows(picture.height_px);
  for (std::size_t y = 0; y < rows.size(); ++y) rows[y] = bytes.data() + y * row_bytes;

  Encoder encoder;
  if (!encoder.encode(picture, rows.data(), file.get())) fail(path, encoder.error());
  // The disk may be full only now.
  if (std::fclose(file.release()) != 0) fail(path, strerror(errno));
}

bool can_be_replaced(const std::string& path) {
  struct stat found {};
  return lstat(path.c_str(), &found) != 0 ? errno == ENOENT : S_ISREG(found.st_mode);
}

/// A file beside @p path, with the rights that a new file gets here.
std::pair<File, std::string> open_beside(const std::string& path) {
  const std::string name = fmt::format("{}.{}.part", path, getpid());
  const int fd = open(name.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0666);
  if (fd < 0) fail(path, strerror(errno));
  return {File(fdopen(fd, "wb")), name};
}

}  // namespace

void write_png(const Picture& picture, const std::string& path) {
  if (path == "-") return encode_to(File(fdopen(dup(STDOUT_FILENO), "wb")), picture, "standard output");
  if (!can_be_replaced(path)) {  // a device or a pipe
    File file(std::fopen(path.c_str(), "wbe"));
    if (!file) fail(path, strerror(errno));
    return encode_to(std::move(file), picture, path);
  }
  auto [file, part] = open_beside(path);
  try {
    encode_to(std::move(file), picture, path);
    if (rename(part.c_str(), path.c_str()) != 0) fail(path, strerror(errno));
  } catch (...) {
    unlink(part.c_str());
    throw;
  }
}

}  // namespace ferry::cli
