#include "tests/support/display.h"

#include <drm_fourcc.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <xf86drm.h>
#include <xf86drmMode.h>

#include <cerrno>
#include <chrono>
#include <cstring>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <utility>

namespace ferry::test {
namespace {

using platform::UniqueFd;

void need(bool done, const char* what) {
  if (!done) throw std::runtime_error(std::string(what) + ": " + std::strerror(errno));
}

template <class T, void (*Free)(T*)>
struct Freed {
  void operator()(T* object) const { Free(object); }
};
template <class T, void (*Free)(T*)>
using Drm = std::unique_ptr<T, Freed<T, Free>>;
using Resources = Drm<drmModeRes, drmModeFreeResources>;
using Planes = Drm<drmModePlaneRes, drmModeFreePlaneResources>;
using Connector = Drm<drmModeConnector, drmModeFreeConnector>;
using Properties = Drm<drmModeObjectProperties, drmModeFreeObjectProperties>;
using Property = Drm<drmModePropertyRes, drmModeFreeProperty>;
using Request = Drm<drmModeAtomicReq, drmModeAtomicFree>;
using Version = Drm<drmVersion, drmFreeVersion>;

UniqueFd open_vkms() {
  for (int i = 0; i < 16; ++i) {
    UniqueFd fd(::open(("/dev/dri/card" + std::to_string(i)).c_str(), O_RDWR | O_CLOEXEC));
    if (!fd) continue;
    const Version version(drmGetVersion(fd.get()));
    if (version && std::string_view(version->name) == "vkms") return fd;
  }
  return {};
}

/// A framebuffer, and the memory that it is made of.
struct Framebuffer {
  Framebuffer(int device, std::uint32_t memory, std::uint32_t width, std::uint32_t height, std::uint32_t pitch,
              std::uint32_t offset)
      : fd(device), handle(memory), width_px(width), height_px(height), pitch_bytes(pitch) {
    const std::uint32_t handles[4] = {handle}, pitches[4] = {pitch}, offsets[4] = {offset};
    need(drmModeAddFB2(fd, width, height, DRM_FORMAT_XRGB8888, handles, pitches, offsets, &id, 0) == 0, "drmModeAddFB2");
  }
  ~Framebuffer() {
    drmModeRmFB(fd, id);
    drmCloseBufferHandle(fd, handle);
  }
  Framebuffer(const Framebuffer&) = delete;
  Framebuffer& operator=(const Framebuffer&) = delete;

  const int fd;
  const std::uint32_t handle, width_px, height_px, pitch_bytes;
  std::uint32_t id = 0;
};

/// An object of the device's that is set by properties.
class Object {
 public:
  Object(int fd, std::uint32_t id, std::uint32_t type) : fd_(fd), id_(id), type_(type) {}
  std::uint32_t id() const { return id_; }
  void set(drmModeAtomicReq* request, const char* name, std::uint64_t value) const {
    const auto property = find(name);
    if (!property) throw std::runtime_error(std::string("no property ") + name);
    need(drmModeAtomicAddProperty(request, id_, property->first, value) > 0, "drmModeAtomicAddProperty");
  }
  std::uint64_t get(const char* name) const {
    const auto property = find(name);
    return property ? property->second : 0;
  }

 private:
  std::optional<std::pair<std::uint32_t, std::uint64_t>> find(std::string_view name) const {
    const Properties all(drmModeObjectGetProperties(fd_, id_, type_));
    for (std::uint32_t i = 0; all && i < all->count_props; ++i) {
      const Property property(drmModeGetProperty(fd_, all->props[i]));
      if (property && property->name == name) return std::pair(all->props[i], all->prop_values[i]);
    }
    return std::nullopt;
  }
  int fd_;
  std::uint32_t id_, type_;
};

}  // namespace

struct Display::Parts {
  explicit Parts(UniqueFd device) : fd(std::move(device)) {
    need(drmSetClientCap(fd.get(), DRM_CLIENT_CAP_ATOMIC, 1) == 0, "DRM_CLIENT_CAP_ATOMIC");
    need(drmSetClientCap(fd.get(), DRM_CLIENT_CAP_WRITEBACK_CONNECTORS, 1) == 0, "DRM_CLIENT_CAP_WRITEBACK_CONNECTORS");
    const Resources resources(drmModeGetResources(fd.get()));
    need(resources && resources->count_crtcs > 0, "drmModeGetResources");
    crtc.emplace(fd.get(), resources->crtcs[0], DRM_MODE_OBJECT_CRTC);
    for (int i = 0; i < resources->count_connectors; ++i) {
      Connector found(drmModeGetConnector(fd.get(), resources->connectors[i]));
      need(found != nullptr, "drmModeGetConnector");
      Object object(fd.get(), found->connector_id, DRM_MODE_OBJECT_CONNECTOR);
      if (found->connector_type == DRM_MODE_CONNECTOR_WRITEBACK) {
        writeback.emplace(object);
      } else {
        screen.emplace(object);
        modes.assign(found->modes, found->modes + found->count_modes);
      }
    }
    const Planes planes(drmModeGetPlaneResources(fd.get()));
    need(planes != nullptr, "drmModeGetPlaneResources");
    for (std::uint32_t i = 0; i < planes->count_planes; ++i) {
      const Object object(fd.get(), planes->planes[i], DRM_MODE_OBJECT_PLANE);
      if (object.get("type") == DRM_PLANE_TYPE_PRIMARY) plane.emplace(object);
    }
    if (!screen || !writeback || !plane) throw std::runtime_error("vkms has no screen, writeback or plane");
  }

  std::unique_ptr<Framebuffer> import(const ferry_dma_buf& dma_buf, std::uint32_t width, std::uint32_t height) const {
    if (dma_buf.modifier != DRM_FORMAT_MOD_LINEAR || dma_buf.plane_count != 1)
      throw std::runtime_error("vkms shows LINEAR pictures alone");
    std::uint32_t handle = 0;
    need(drmPrimeFDToHandle(fd.get(), dma_buf.fd, &handle) == 0, "drmPrimeFDToHandle");
    const ferry_dma_buf_plane& lies = dma_buf.planes[0];
    return std::make_unique<Framebuffer>(fd.get(), handle, width, height, static_cast<std::uint32_t>(lies.row_pitch_bytes),
                                         static_cast<std::uint32_t>(lies.offset_bytes));
  }
  std::unique_ptr<Framebuffer> allocate(std::uint32_t width, std::uint32_t height) const {
    std::uint32_t handle = 0, pitch = 0;
    std::uint64_t size = 0;
    need(drmModeCreateDumbBuffer(fd.get(), width, height, 32, 0, &handle, &pitch, &size) == 0, "drmModeCreateDumbBuffer");
    return std::make_unique<Framebuffer>(fd.get(), handle, width, height, pitch, 0);
  }
  std::uint32_t mode_blob(std::uint32_t width, std::uint32_t height) const {
    for (const drmModeModeInfo& mode : modes) {
      if (mode.hdisplay != width || mode.vdisplay != height) continue;
      std::uint32_t blob = 0;
      need(drmModeCreatePropertyBlob(fd.get(), &mode, sizeof mode, &blob) == 0, "drmModeCreatePropertyBlob");
      return blob;
    }
    throw std::runtime_error("vkms has no such mode");
  }

  UniqueFd fd;
  std::optional<Object> crtc, plane, screen, writeback;
  std::vector<drmModeModeInfo> modes;
  std::unique_ptr<Framebuffer> on_show, written;
};

std::unique_ptr<Display> Display::open() {
  UniqueFd fd = open_vkms();
  if (!fd) return nullptr;
  return std::unique_ptr<Display>(new Display(std::make_unique<Parts>(std::move(fd))));
}

Display::Display(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}
Display::~Display() = default;

UniqueFd Display::show(const ferry_dma_buf& dma_buf, std::uint32_t width_px, std::uint32_t height_px) {
  Parts& p = *parts_;
  auto picture = p.import(dma_buf, width_px, height_px);
  auto written = p.allocate(width_px, height_px);
  const std::uint32_t mode = p.mode_blob(width_px, height_px);
  std::int32_t out_fence = -1;
  const Request request(drmModeAtomicAlloc());
  p.crtc->set(request.get(), "MODE_ID", mode);
  p.crtc->set(request.get(), "ACTIVE", 1);
  p.screen->set(request.get(), "CRTC_ID", 0);  // newer kernels show a picture on one of the two alone
  p.writeback->set(request.get(), "CRTC_ID", p.crtc->id());
  p.writeback->set(request.get(), "WRITEBACK_FB_ID", written->id);
  p.writeback->set(request.get(), "WRITEBACK_OUT_FENCE_PTR", reinterpret_cast<std::uintptr_t>(&out_fence));
  p.plane->set(request.get(), "FB_ID", picture->id);
  p.plane->set(request.get(), "CRTC_ID", p.crtc->id());
  for (const char* name : {"CRTC_X", "CRTC_Y", "SRC_X", "SRC_Y"}) p.plane->set(request.get(), name, 0);
  p.plane->set(request.get(), "CRTC_W", width_px);
  p.plane->set(request.get(), "CRTC_H", height_px);
  p.plane->set(request.get(), "SRC_W", std::uint64_t{width_px} << 16);
  p.plane->set(request.get(), "SRC_H", std::uint64_t{height_px} << 16);
  int result = -EBUSY;
  for (int tries = 0; result == -EBUSY && tries < 1000; ++tries) {  // the one before has been shown, and is not through
    if (tries != 0) std::this_thread::sleep_for(std::chrono::milliseconds(10));
    result = drmModeAtomicCommit(p.fd.get(), request.get(), DRM_MODE_ATOMIC_NONBLOCK | DRM_MODE_ATOMIC_ALLOW_MODESET, nullptr);
  }
  drmModeDestroyPropertyBlob(p.fd.get(), mode);
  if (result != 0) throw std::runtime_error(std::string("drmModeAtomicCommit: ") + std::strerror(-result));
  p.on_show = std::move(picture);
  p.written = std::move(written);
  return UniqueFd(out_fence);
}

std::vector<std::uint32_t> Display::shown() const {
  const Framebuffer& from = *parts_->written;
  std::uint64_t offset = 0;
  need(drmModeMapDumbBuffer(from.fd, from.handle, &offset) == 0, "drmModeMapDumbBuffer");
  const std::size_t size_bytes = std::size_t{from.pitch_bytes} * from.height_px;
  void* mapped = ::mmap(nullptr, size_bytes, PROT_READ, MAP_SHARED, from.fd, static_cast<off_t>(offset));
  need(mapped != MAP_FAILED, "mmap of a dumb buffer");
  std::vector<std::uint32_t> words(std::size_t{from.width_px} * from.height_px);
  for (std::size_t row = 0; row < from.height_px; ++row)
    std::memcpy(&words[row * from.width_px], static_cast<const std::byte*>(mapped) + row * from.pitch_bytes,
                std::size_t{from.width_px} * sizeof(std::uint32_t));
  ::munmap(mapped, size_bytes);
  return words;
}

}  // namespace ferry::test
