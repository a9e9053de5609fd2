/* Ferry: GPU frames from one process to another, without a copy.
 *
 * A producer draws into slots (textures that the broker `ferryd` allocated) and publishes them as frames; consumers
 * in other processes acquire the frames, read them on their own GPU device object, and release them.
 *
 * General rules
 *  - Every function that can fail returns FERRY_OK (0) or a negative FERRY_ERROR_*; ferry_last_error() then has one
 *    line of text, per thread, that names the value, the limit and the object.
 *  - Every struct starts with `struct_size`: set it to sizeof(the struct), best through its FERRY_*_INIT. Fields that
 *    a newer caller has and an older library does not know must be zero; fields that the library knows and the
 *    caller's struct is too small for are neither read nor written.
 *  - Handles are checked: NULL, a destroyed handle or a handle of another kind gives FERRY_ERROR_STALE_HANDLE.
 *  - Threads: a ferry_connection and a ferry_device may be used from any number of threads. A ferry_producer or
 *    ferry_consumer is used by one thread at a time. Different objects are independent of each other.
 *  - The library submits to no queue of yours but one that you lend it (ferry_device_lend_queue), never changes your signal
 *    handlers, prints nothing unless asked for validation. It runs one thread a connection, in sync mode `host` one more for each producer and consumer, and one
 *    for a producer that has had more than one consumer (docs/api.md). In transport `host-memory` it makes a VkDevice
 *    of its own on your physical device, whose queue does the copies.
 *  - Times are CLOCK_MONOTONIC in nanoseconds. `timeout_ns`: 0 does not wait, negative waits without end. But for
 *    ferry_connect_info.timeout_ns, where 0 is the default of 5 s.
 *  - Vulkan: wait for `wait_*`, use the image, signal `signal_*` -- the same in every sync mode.
 *    Images cross in layout VK_IMAGE_LAYOUT_SHADER_READ_ONLY_OPTIMAL, owned by the peer_queue_family of target and frame
 *    (VK_QUEUE_FAMILY_EXTERNAL or VK_QUEUE_FAMILY_FOREIGN_EXT); ferry_vulkan.h fills in the barriers.
 *  - If the broker dies, frames of streams that exist go on; calls that need it fail with FERRY_ERROR_DISCONNECTED.
 */
#ifndef FERRY_FERRY_H
#define FERRY_FERRY_H

#include <stddef.h>
#include <stdint.h>
#include <vulkan/vulkan_core.h>

#if defined(__GNUC__)
#define FERRY_API __attribute__((visibility("default")))
#define FERRY_NODISCARD __attribute__((warn_unused_result))
#else
#define FERRY_API
#define FERRY_NODISCARD
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* ---- versions and errors ------------------------------------------------------------------------------------- */

#define FERRY_VERSION_MAJOR 0
#define FERRY_VERSION_MINOR 1
#define FERRY_VERSION_PATCH 0

/* "0.1.0" of the library that is loaded. Static. Since 0.1. */
FERRY_API const char* ferry_version(void);

enum {
  FERRY_OK = 0,
  FERRY_ERROR_INVALID_ARGUMENT = -1,    /* a value outside its limits */
  FERRY_ERROR_INVALID_STATE = -2,       /* the object cannot take that call now: double release, publish without begin */
  FERRY_ERROR_STALE_HANDLE = -3,        /* destroyed, or never a handle of that kind */
  FERRY_ERROR_TIMEOUT = -4,             /* the timeout passed */
  FERRY_ERROR_WOULD_BLOCK = -5,         /* nothing now, and timeout_ns was 0 */
  FERRY_ERROR_NO_BROKER = -6,           /* nobody listens at the socket; the text says how to start ferryd */
  FERRY_ERROR_DISCONNECTED = -7,        /* the broker went away */
  FERRY_ERROR_VERSION_MISMATCH = -8,    /* no protocol version in common; the text has both ranges */
  FERRY_ERROR_PERMISSION_DENIED = -9,
  FERRY_ERROR_NOT_FOUND = -10,          /* no stream of that name */
  FERRY_ERROR_NAME_TAKEN = -11,         /* the name has a living producer; the text says which process */
  FERRY_ERROR_LIMIT_EXCEEDED = -12,     /* a limit of the broker, or more frames held than declared */
  FERRY_ERROR_INCOMPATIBLE = -13,       /* no transport, sync mode or device in common; the text has party and constraint */
  FERRY_ERROR_UNSUPPORTED = -14,        /* the driver or this build cannot do that */
  FERRY_ERROR_STREAM_CLOSED = -15,      /* the stream has ended for good */
  FERRY_ERROR_EVICTED = -16,            /* the broker retired this lease; the text has its reason. Detach, attach again */
  FERRY_ERROR_DEVICE_LOST = -17,
  FERRY_ERROR_OUT_OF_MEMORY = -18,
  FERRY_ERROR_PROTOCOL_VIOLATION = -19, /* the other side broke the protocol */
  FERRY_ERROR_SYSTEM = -20,             /* a system call failed; the text has the call and errno */
  FERRY_ERROR_INTERNAL = -21            /* a defect of Ferry's own */
};

/* The text of this thread's last failed call, "" if none. Valid until this thread's next failing call. Since 0.1. */
FERRY_API const char* ferry_last_error(void);
/* "FERRY_ERROR_TIMEOUT" for -4. Static; never NULL. Since 0.1. */
FERRY_API const char* ferry_error_name(int32_t code);

/* Why parties have nothing in common: what FERRY_ERROR_INCOMPATIBLE was about, for programs; or FERRY_ERROR_EVICTED, of a
 * consumer that could not import a later generation, when nothing else was left. */
typedef struct ferry_conflict {
  uint32_t struct_size;
  uint32_t reserved;
  char party[192];       /* who does not fit: "consumer 'viewer' (pid 4211)" */
  char constraint[64];   /* by what: "transport", "device", "modifier", "sync mode" */
  char party_has[256];   /* its list, separated by ", " */
  char others_have[256]; /* the list it does not meet */
} ferry_conflict;
#define FERRY_CONFLICT_SIZE sizeof(ferry_conflict)

/* Of this thread's last failed call. Set out->struct_size. NOT_FOUND when that had none; it stays the last error.
 * Since 0.1. */
FERRY_API FERRY_NODISCARD int32_t ferry_last_conflict(ferry_conflict* out);

/* ---- opaque handles ------------------------------------------------------------------------------------------- */

typedef struct ferry_connection ferry_connection; /* a session with the broker */
typedef struct ferry_device ferry_device;         /* a Vulkan device that Ferry imports into: yours, or one it made */
typedef struct ferry_producer ferry_producer;     /* the right to publish into one stream */
typedef struct ferry_consumer ferry_consumer;     /* one lease: the right to read one stream */

/* ---- connection ----------------------------------------------------------------------------------------------- */

typedef struct ferry_connect_info {
  uint32_t struct_size;
  uint32_t reserved;
  const char* socket_path; /* NULL: $FERRY_SOCKET, else $XDG_RUNTIME_DIR/ferry/ferryd.sock, else /run/ferry/ferryd.sock */
  const char* application; /* what `ferry status` calls you, at most 64 bytes; NULL: the process's name */
  int64_t timeout_ns;      /* for each question to the broker. UNLIKE EVERY OTHER timeout_ns HERE, 0 DOES WAIT: it means the
                              default of 5 s. Negative: without end. There is no way to ask for no wait at all */
} ferry_connect_info;
#define FERRY_CONNECT_INFO_INIT {sizeof(ferry_connect_info), 0, NULL, NULL, 0}

/* Connects and greets. @info may be NULL. NO_BROKER, VERSION_MISMATCH, PERMISSION_DENIED, INVALID_ARGUMENT (path too
 * long). Since 0.1. */
FERRY_API FERRY_NODISCARD int32_t ferry_connect(const ferry_connect_info* info, ferry_connection** out);
/* Ends the session. Producers and consumers made from it must be destroyed first, and calls on it have returned: otherwise
 * INVALID_STATE, and nothing happens. Since 0.1. */
FERRY_API int32_t ferry_disconnect(ferry_connection* connection);

/* What the broker knows: itself, its devices, every stream and lease, as JSON text in UTF-8 (schema: docs/status.md,
 * its version is the member "schema"). The caller frees it with ferry_free(). Since 0.1. */
FERRY_API FERRY_NODISCARD int32_t ferry_query_status(ferry_connection* connection, char** json_out);
/* Frees what a ferry_* function allocated for the caller; NULL is allowed. Since 0.1. */
FERRY_API void ferry_free(void* memory);

/* ---- device --------------------------------------------------------------------------------------------------- */

/* An application's own Vulkan objects. They must outlive the ferry_device, and that everything made with it. */
typedef struct ferry_vulkan_info {
  uint32_t struct_size;
  uint32_t queue_family_index; /* of the queue that uses the images: barriers go to and from it */
  VkInstance instance;         /* API version 1.2 or newer */
  VkPhysicalDevice physical_device;
  VkDevice device; /* created with what ferry_get_vulkan_requirements() said */
  PFN_vkGetInstanceProcAddr get_instance_proc_addr;
} ferry_vulkan_info;
#define FERRY_VULKAN_INFO_INIT {sizeof(ferry_vulkan_info), 0, VK_NULL_HANDLE, VK_NULL_HANDLE, VK_NULL_HANDLE, NULL}

/* What a VkDevice must have been created with. All pointers are static. */
typedef struct ferry_vulkan_requirements {
  uint32_t struct_size;
  uint32_t api_version; /* VkApplicationInfo::apiVersion must be at least this */
  uint32_t device_extension_count;
  uint32_t timeline_semaphore; /* 1: VkPhysicalDeviceVulkan12Features::timelineSemaphore must be enabled */
  const char* const* device_extensions; /* only extensions that this physical device has */
} ferry_vulkan_requirements;
#define FERRY_VULKAN_REQUIREMENTS_INIT {sizeof(ferry_vulkan_requirements), 0, 0, 0, NULL}

/* @info->device is ignored. UNSUPPORTED names the missing feature when no transport can work on this physical device.
 * Since 0.1. */
FERRY_API FERRY_NODISCARD int32_t ferry_get_vulkan_requirements(const ferry_vulkan_info* info,
                                                                ferry_vulkan_requirements* out);

/* Lets Ferry use an application's device. Checks that the needed functions are enabled; UNSUPPORTED names the one that
 * is not. Since 0.1. */
FERRY_API FERRY_NODISCARD int32_t ferry_device_wrap(const ferry_vulkan_info* info, ferry_device** out);

typedef struct ferry_device_create_info {
  uint32_t struct_size;
  uint32_t enable_validation;   /* 1: VK_LAYER_KHRONOS_validation with synchronization validation; it prints to stderr.
                                   UNSUPPORTED where it is not installed */
  ferry_connection* connection; /* with selector NULL: the broker's default device; may be NULL */
  const char* selector;         /* a device UUID (32 hex digits, dashes ignored), an index, or a part of the name; a number
                                   that is no index is a word of the name: "3090" */
  uint32_t instance_extension_count; /* more than Ferry's own: what GLFW asks for, say */
  uint32_t device_extension_count;   /* e.g. VK_KHR_swapchain */
  const char* const* instance_extensions;
  const char* const* device_extensions;
  const void* device_features; /* chain of structs for VkDeviceCreateInfo::pNext: VkPhysicalDeviceFeatures2, features of
                                  extensions and versions. Read during the call; NULL: none */
} ferry_device_create_info;
#define FERRY_DEVICE_CREATE_INFO_INIT {sizeof(ferry_device_create_info), 0, NULL, NULL, 0, 0, NULL, NULL, NULL}

/* Makes instance, device and one graphics queue for programs that have none. Of the newest API version that loader and
 * device have, 1.3 at most. Enabled on its own: the extensions of ferry_get_vulkan_requirements(); timelineSemaphore; and
 * where the device has them dynamicRendering (Vulkan 1.3), samplerYcbcrConversion and samplerAnisotropy. A struct in
 * device_features that has one of these decides it instead (VkPhysicalDeviceFeatures2: all core features).
 * NOT_FOUND lists the devices there are; UNSUPPORTED names the extension or feature that is missing; INVALID_ARGUMENT when
 * device_features turns timelineSemaphore off. Since 0.1. */
FERRY_API FERRY_NODISCARD int32_t ferry_device_create(const ferry_device_create_info* info, ferry_device** out);

typedef struct ferry_device_info {
  uint32_t struct_size;
  uint32_t queue_family_index;
  VkInstance instance;
  VkPhysicalDevice physical_device;
  VkDevice device;
  VkQueue queue; /* VK_NULL_HANDLE for a wrapped device */
  PFN_vkGetInstanceProcAddr get_instance_proc_addr;
  uint8_t device_uuid[VK_UUID_SIZE];
  uint8_t driver_uuid[VK_UUID_SIZE];
  char name[VK_MAX_PHYSICAL_DEVICE_NAME_SIZE];
  uint32_t is_software;
  uint32_t can_timeline;   /* 1: sync mode `timeline` is possible */
  uint64_t validation_errors; /* messages of the validation layer so far (enable_validation) */
} ferry_device_info;
#define FERRY_DEVICE_INFO_SIZE sizeof(ferry_device_info)

/* Set out->struct_size first. Since 0.1. */
FERRY_API int32_t ferry_device_get_info(ferry_device* device, ferry_device_info* out);
/* Lends Ferry one of the device's queues, for sync mode `sync-fd`: a point that crosses between drivers takes a submission
 * without commands, which ferry_producer_publish() and ferry_consumer_acquire() make in the calling thread; no other function
 * submits. What is submitted to the queue after it may have to wait for the other side's GPU, so lend one that nothing urgent
 * uses. @lock and @unlock are called around every use, with @user: not from within one that holds the lock already, so
 * publish and acquire must not be called with it held. Both may be NULL where only the threads that publish and acquire submit
 * to that queue, and no two at once. The queue stays lent, and @user valid, until ferry_device_destroy(); producers and
 * consumers made later use it. A device that ferry_device_create() made has lent a second queue already where its driver can
 * and has one. INVALID_ARGUMENT: NULL, or one of the two functions without the other. INVALID_STATE: one is lent already.
 * UNSUPPORTED: the driver cannot; the text says what. Since 0.1. */
FERRY_API FERRY_NODISCARD int32_t ferry_device_lend_queue(ferry_device* device, VkQueue queue, void (*lock)(void* user),
                                                          void (*unlock)(void* user), void* user);
/* INVALID_STATE, and nothing happens, while producers, consumers or running calls use it. Work on Ferry's images must
 * have ended. A wrapped VkDevice stays the caller's. Since 0.1. */
FERRY_API int32_t ferry_device_destroy(ferry_device* device);

/* ---- images and metadata --------------------------------------------------------------------------------------- */

typedef enum ferry_format {
  FERRY_FORMAT_RGBA8_UNORM = 1,
  FERRY_FORMAT_RGBA8_SRGB = 2,
  FERRY_FORMAT_BGRA8_UNORM = 3,
  FERRY_FORMAT_BGRA8_SRGB = 4,
  FERRY_FORMAT_RGB10A2_UNORM = 5, /* VK_FORMAT_A2B10G10R10_UNORM_PACK32: red in the lowest bits */
  FERRY_FORMAT_RGBA16_FLOAT = 6,
  /* YUV, 4:2:0, in images of two planes, where the device has them: width and height must be even. Sample them through a
   * VkSamplerYcbcrConversion, or plane by plane: views of VK_IMAGE_ASPECT_PLANE_0_BIT and PLANE_1_BIT may be made
   * (MUTABLE_FORMAT). Ferry makes none (`view` is VK_NULL_HANDLE). No usage RENDER; STORAGE is the planes'. New slots are black.
   * The matrix is the one that the colour's primaries come with, BT.709 (Display P3, too) or BT.2020 non-constant. */
  FERRY_FORMAT_NV12 = 7, /* VK_FORMAT_G8_B8R8_2PLANE_420_UNORM */
  FERRY_FORMAT_P010 = 8  /* VK_FORMAT_G10X6_B10X6R10X6_2PLANE_420_UNORM_3PACK16 */
} ferry_format;

enum { /* usage: sampling and both transfers are always granted */
  FERRY_USAGE_RENDER = 1 << 0,
  FERRY_USAGE_SAMPLE = 1 << 1,
  FERRY_USAGE_STORAGE = 1 << 2,
  FERRY_USAGE_TRANSFER_SRC = 1 << 3,
  FERRY_USAGE_TRANSFER_DST = 1 << 4
};
enum { /* image flags */
  FERRY_IMAGE_SRGB_VIEWS = 1 << 0 /* 8-bit formats: both UNORM and SRGB views may be made */
};

typedef struct ferry_image_desc {
  uint32_t struct_size;
  uint32_t width_px, height_px; /* 1 to the smaller of 32768 and the device's limit */
  uint32_t format;              /* ferry_format */
  uint32_t usage;               /* FERRY_USAGE_*; 0 means RENDER, and of YUV formats what is always granted */
  uint32_t flags;               /* FERRY_IMAGE_* */
  /* The stream's colour, known before its first frame: of every frame that is published without metadata. */
  uint8_t primaries;            /* ferry_primaries */
  uint8_t transfer;             /* ferry_transfer */
  uint8_t range;                /* ferry_range */
  uint8_t alpha;                /* ferry_alpha */
  uint32_t reserved;            /* zero; this struct is nested in others and does not grow */
} ferry_image_desc;
#define FERRY_IMAGE_DESC_INIT {sizeof(ferry_image_desc), 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}

typedef struct ferry_rect {
  uint32_t x_px, y_px, width_px, height_px;
} ferry_rect;

typedef enum ferry_orientation { /* as EXIF; 0 counts as NORMAL */
  FERRY_ORIENTATION_NORMAL = 1, FERRY_ORIENTATION_MIRRORED = 2, FERRY_ORIENTATION_ROTATED_180 = 3,
  FERRY_ORIENTATION_FLIPPED = 4, FERRY_ORIENTATION_TRANSPOSED = 5, FERRY_ORIENTATION_ROTATED_90 = 6,
  FERRY_ORIENTATION_TRANSVERSED = 7, FERRY_ORIENTATION_ROTATED_270 = 8
} ferry_orientation;
typedef enum ferry_alpha { FERRY_ALPHA_OPAQUE = 0, FERRY_ALPHA_PREMULTIPLIED = 1, FERRY_ALPHA_STRAIGHT = 2 } ferry_alpha;
typedef enum ferry_primaries {
  FERRY_PRIMARIES_BT709 = 0, FERRY_PRIMARIES_DISPLAY_P3 = 1, FERRY_PRIMARIES_BT2020 = 2
} ferry_primaries;
typedef enum ferry_transfer { /* how the stored numbers become light; SRGB formats stay FERRY_TRANSFER_SRGB */
  FERRY_TRANSFER_SRGB = 0, FERRY_TRANSFER_LINEAR = 1, FERRY_TRANSFER_PQ = 2, FERRY_TRANSFER_HLG = 3,
  FERRY_TRANSFER_GAMMA22 = 4
} ferry_transfer;
typedef enum ferry_range { FERRY_RANGE_FULL = 0, FERRY_RANGE_LIMITED = 1 } ferry_range;

#define FERRY_MAX_DAMAGE_RECTS 8
#define FERRY_MAX_USER_BYTES 128

/* What a producer says of one frame, its colour included: the stream's counts for frames without. All zero is a good
 * default: full damage, upright, opaque, BT.709, sRGB. */
typedef struct ferry_frame_metadata {
  uint32_t struct_size;
  uint32_t orientation; /* ferry_orientation */
  uint32_t alpha;       /* ferry_alpha */
  uint32_t primaries;   /* ferry_primaries */
  uint32_t transfer;    /* ferry_transfer */
  uint32_t range;       /* ferry_range */
  uint64_t present_ns;  /* when it is meant to be seen; 0: at once */
  ferry_rect crop;      /* width 0: the whole texture */
  uint32_t damage_count; /* 0: everything may have changed since the frame before */
  uint32_t user_size_bytes;
  ferry_rect damage[FERRY_MAX_DAMAGE_RECTS];
  /* SMPTE ST 2086 and CTA-861.3: CIE 1931 xy, and cd/m2. All zero: not given. */
  float red_xy[2], green_xy[2], blue_xy[2], white_xy[2];
  float max_luminance, min_luminance, max_content_light, max_frame_average_light;
  uint8_t user[FERRY_MAX_USER_BYTES]; /* the application's own: a camera pose, say */
  uint64_t reserved[4];               /* zero; this struct is nested in others and does not grow */
} ferry_frame_metadata;

/* ---- producer ----------------------------------------------------------------------------------------------------- */

typedef enum ferry_sync_mode {
  FERRY_SYNC_AUTOMATIC = 0,
  FERRY_SYNC_TIMELINE = 1, /* exported timeline semaphores: GPU waits for GPU */
  FERRY_SYNC_HOST = 2,     /* frames are handed over when they are complete; for drivers that export no semaphore */
  FERRY_SYNC_FD = 3        /* a kernel fence (sync_file) a frame: GPU waits for GPU across drivers. Every party has to lend a
                              queue (ferry_device_lend_queue). Software drivers: only if asked for. Since 0.1 */
} ferry_sync_mode;

typedef enum ferry_transport { /* how texture memory crosses */
  FERRY_TRANSPORT_AUTOMATIC = 0,
  FERRY_TRANSPORT_OPAQUE_FD = 1,  /* same device and driver on all sides: nothing is copied */
  FERRY_TRANSPORT_DMA_BUF = 2,    /* devices and drivers that agree on a DRM format modifier: nothing is copied */
  FERRY_TRANSPORT_HOST_MEMORY = 3 /* any devices: the GPU copies each frame out to the host's memory and in again */
} ferry_transport;

typedef enum ferry_queue_policy { /* when the queue of a consumer in mode EVERY is full */
  FERRY_QUEUE_DROP = 1, /* oldest unread frames are dropped and counted */
  FERRY_QUEUE_BLOCK = 2 /* begin() waits */
} ferry_queue_policy;

typedef struct ferry_stream_info {
  uint32_t struct_size;
  uint32_t sync_mode;        /* ferry_sync_mode; AUTOMATIC takes the best */
  const char* name;          /* 1 to 128 bytes of UTF-8, no control characters */
  ferry_image_desc image;
  uint32_t queue_policy;     /* ferry_queue_policy; 0 means DROP */
  uint32_t frames_in_flight; /* slots begun and not yet published at once, 1 to 8; 0 means 2 */
  uint32_t min_slots;        /* at least so many slots, 3 to 64; 0 leaves it to the broker */
  uint32_t transport;        /* ferry_transport; AUTOMATIC takes the best that all consumers can use, and changes over
                                (in a new generation) when one joins that needs another */
} ferry_stream_info;
#define FERRY_STREAM_INFO_INIT {sizeof(ferry_stream_info), 0, NULL, FERRY_IMAGE_DESC_INIT, 0, 0, 0, 0}

/* Creates the stream, or takes over an orphaned one of that name, and imports its slots. INVALID_ARGUMENT, NAME_TAKEN,
 * LIMIT_EXCEEDED, INCOMPATIBLE, OUT_OF_MEMORY. Since 0.1. */
FERRY_API FERRY_NODISCARD int32_t ferry_producer_create(ferry_connection* connection, ferry_device* device,
                                                        const ferry_stream_info* info, ferry_producer** out);

/* A slot to draw into. Image and view are Ferry's: cache what you derive from them by (generation, slot), and drop it
 * when you first see a later generation and your own work on the older one is done. */
typedef struct ferry_target {
  uint32_t struct_size;
  uint32_t slot;         /* 0 .. 63 */
  uint64_t generation;   /* grows when size, format or number of slots change */
  uint64_t id;           /* names this target in publish and cancel */
  VkImage image;
  VkImageView view;      /* 2D, the stream's format; VK_NULL_HANDLE for YUV */
  VkFormat vk_format;
  uint32_t format;       /* ferry_format */
  uint32_t width_px, height_px;
  uint32_t wait_count;   /* wait for all of these before the first write; 0 in sync modes host and sync-fd */
  uint32_t reserved;
  const VkSemaphore* wait_semaphores; /* timeline; valid until publish or cancel */
  const uint64_t* wait_values;
  VkSemaphore signal_semaphore; /* timeline: the submission that finishes the frame signals it ... */
  uint64_t signal_value;        /* ... at this value */
  uint32_t peer_queue_family;   /* who owns the image before and after: VK_QUEUE_FAMILY_EXTERNAL, or VK_QUEUE_FAMILY_FOREIGN_EXT
                                   where another driver is on the other side. For the barriers of ferry_vulkan.h */
  uint32_t reserved2;
} ferry_target;
#define FERRY_TARGET_SIZE sizeof(ferry_target)

/* The next slot nobody reads. Set out->struct_size. WOULD_BLOCK or TIMEOUT when every slot is held; INVALID_STATE when
 * frames_in_flight targets are already begun; DEVICE_LOST; STREAM_CLOSED. Makes no system call unless it sleeps, or has to
 * empty the descriptor of ferry_producer_get_fd(). Since 0.1. */
FERRY_API FERRY_NODISCARD int32_t ferry_producer_begin(ferry_producer* producer, int64_t timeout_ns, ferry_target* out);

/* Makes the target the stream's newest frame. Call it AFTER the submission that signals signal_semaphore has been
 * submitted to a queue (vkQueueSubmit has returned). Targets are published in the order in which they were begun.
 * @metadata may be NULL: the stream's colour, and otherwise all zero. INVALID_STATE for a target that is not begun.
 * System calls in sync mode timeline: none while no consumer sleeps. However many sleep, in acquire() or on the descriptor of
 * ferry_consumer_get_fd(): one. (A stream's only consumer that does both at once costs a second.)
 * In sync mode host one, which wakes the thread that waits for the GPU and then does all of this.
 * In sync mode sync-fd what the driver makes for a submission and a fence, one for each consumer, and one that wakes the thread
 * that waits for the GPU. DEVICE_LOST, in that mode. Since 0.1. */
FERRY_API FERRY_NODISCARD int32_t ferry_producer_publish(ferry_producer* producer, uint64_t target_id,
                                                         const ferry_frame_metadata* metadata);
/* Gives the target back without a frame. Nothing that was submitted may still write it or signal its semaphore.
 * Since 0.1. */
FERRY_API int32_t ferry_producer_cancel(ferry_producer* producer, uint64_t target_id);

/* A new size, format or usage: the next begin() has it. Begun targets of the old one may still be published or
 * cancelled. On error the stream goes on as it was. Since 0.1. */
FERRY_API FERRY_NODISCARD int32_t ferry_producer_reconfigure(ferry_producer* producer, const ferry_image_desc* image);

/* ---- a producer's own dma-bufs, for engines that cannot draw into somebody else's image ---- */

typedef struct ferry_dma_buf_plane {
  uint64_t offset_bytes;    /* into the dma-buf */
  uint64_t row_pitch_bytes; /* from one row to the next; of tilings whatever their modifier means by it */
} ferry_dma_buf_plane;

/* An image in a dma-buf: all planes lie in the one descriptor. */
typedef struct ferry_dma_buf {
  uint32_t struct_size;
  int32_t fd;             /* of the dma-buf */
  uint64_t modifier;      /* drm_fourcc.h; 0 is LINEAR */
  uint64_t size_bytes;    /* what the image needs of it, at most 2 MiB less than it has; 0: all of it */
  uint32_t plane_count;   /* 1 to 4: memory planes, as the modifier has them for that format */
  uint32_t reserved;
  ferry_dma_buf_plane planes[4];
} ferry_dma_buf;
#define FERRY_DMA_BUF_INIT {sizeof(ferry_dma_buf), -1, 0, 0, 0, 0, {{0, 0}, {0, 0}, {0, 0}, {0, 0}}}

enum { /* flags of ferry_own_slots */
  FERRY_OWN_IMPLICIT_FENCES = 1 << 0 /* The work that draws is found in the dma-buf's own (implicit) fences, as a driver for
                                        OpenGL or a video decoder leaves it there: signal nothing, publish() looks at the
                                        dma-buf and lets signal_semaphore follow it (DMA_BUF_IOCTL_EXPORT_SYNC_FILE, Linux
                                        6.0). Needs a lent queue. What begin() says to wait for is still to be waited for. */
};

/* The slots of a stream, in dma-bufs that the producer allocated. */
typedef struct ferry_own_slots {
  uint32_t struct_size;
  uint32_t count;             /* 3 to 64, and no more come: a pool of one's own does not grow with its consumers */
  uint32_t flags;             /* FERRY_OWN_* */
  uint32_t reserved;
  const ferry_dma_buf* slots; /* target.slot is the number in here. All of one modifier, layout and size; duplicated, so they
                                 may be closed after the call */
} ferry_own_slots;
#define FERRY_OWN_SLOTS_INIT {sizeof(ferry_own_slots), 0, 0, 0, NULL}

/* As ferry_producer_create(), in transport dma-buf, with the producer's own slots: the broker checks them and hands them on.
 * Draw into them by what means you like, or through target.image. A consumer that cannot import them is refused
 * (INCOMPATIBLE, which names the modifier and its list): there is nothing to fall back to. INVALID_ARGUMENT when they do not
 * fit the image or each other; PROTOCOL when one is no dma-buf of its size; UNSUPPORTED when this device or the broker cannot
 * use them. Since 0.1. */
FERRY_API FERRY_NODISCARD int32_t ferry_producer_create_with_slots(ferry_connection* connection, ferry_device* device,
                                                                   const ferry_stream_info* info,
                                                                   const ferry_own_slots* own, ferry_producer** out);
/* As ferry_producer_reconfigure(), with the slots of the new size; the older ones are still shown until the first frame in
 * these. INVALID_STATE for a stream whose slots are the broker's, as is reconfigure() for one with slots of its own. Since 0.1. */
FERRY_API FERRY_NODISCARD int32_t ferry_producer_replace_slots(ferry_producer* producer, const ferry_image_desc* image,
                                                               const ferry_own_slots* own);

typedef struct ferry_stream_state {
  uint32_t struct_size;
  uint32_t sync_mode;      /* ferry_sync_mode in use */
  uint64_t generation;
  uint64_t frames;         /* newest sequence number */
  uint32_t slot_count;
  uint32_t consumer_count; /* producer only */
  uint32_t width_px, height_px, format;
  uint32_t connected;      /* 0: the broker is gone; frames go on */
  uint64_t starved;        /* producer: begin() calls without a slot; consumer: frames skipped */
  char transport[32];      /* "opaque-fd" */
  char sync_reason[256];   /* why this sync mode, and nothing better */
  char transport_reason[256];
  uint32_t primaries, transfer, range, alpha; /* the stream's colour; a frame's own metadata goes before it */
} ferry_stream_state;
#define FERRY_STREAM_STATE_SIZE sizeof(ferry_stream_state)

/* Set out->struct_size. Since 0.1. */
FERRY_API int32_t ferry_producer_get_state(ferry_producer* producer, ferry_stream_state* out);

/* Ends the stream: consumers are told, and keep the last frame until they detach. Waits (at most 2 s) for the work of
 * published frames. Images of targets that were begun and not published stay until signal_semaphore reaches their
 * signal_value, and at the latest until the ferry_device is destroyed. Always frees the handle, even where it returns an
 * error. Since 0.1. */
FERRY_API int32_t ferry_producer_destroy(ferry_producer* producer);

/* ---- consumer ------------------------------------------------------------------------------------------------------ */

typedef enum ferry_consumer_mode {
  FERRY_CONSUMER_LATEST = 1, /* newest frame wins; the producer never waits for you */
  FERRY_CONSUMER_EVERY = 2   /* in order, up to queue_depth unread frames */
} ferry_consumer_mode;

typedef struct ferry_attach_info {
  uint32_t struct_size;
  uint32_t mode;        /* ferry_consumer_mode; 0 means LATEST */
  const char* name;
  uint32_t max_holds;   /* frames held at once, 1 to 16; 0 means 2 */
  uint32_t queue_depth; /* EVERY: 1 to 32; 0 means 4 */
  int64_t timeout_ns;   /* 0: the stream must exist now (NOT_FOUND); else wait until it appears */
} ferry_attach_info;
#define FERRY_ATTACH_INFO_INIT {sizeof(ferry_attach_info), 0, NULL, 0, 0, 0}

/* NOT_FOUND, TIMEOUT, INCOMPATIBLE, LIMIT_EXCEEDED, INVALID_ARGUMENT. Since 0.1. */
FERRY_API FERRY_NODISCARD int32_t ferry_consumer_attach(ferry_connection* connection, ferry_device* device,
                                                        const ferry_attach_info* info, ferry_consumer** out);

/* One frame, held. Image and view are Ferry's and valid while any frame of their generation is held, and until the
 * signal value of the last one released is reached. */
typedef struct ferry_frame {
  uint32_t struct_size;
  uint32_t slot;
  uint64_t generation;
  uint64_t sequence;      /* 1, 2, 3 ...; names this frame in release */
  uint64_t skipped;       /* frames published since the one acquired before, and never seen */
  uint64_t produced_ns;   /* when the producer published it */
  VkImage image;
  VkImageView view;       /* 2D, the stream's format; VK_NULL_HANDLE for YUV */
  VkFormat vk_format;
  uint32_t format;        /* ferry_format */
  uint32_t width_px, height_px;
  VkSemaphore wait_semaphore; /* timeline: wait for this ... */
  uint64_t wait_value;        /* ... at this value before the first read */
  VkSemaphore signal_semaphore; /* timeline: the submission with the last read signals this ... */
  uint64_t signal_value;        /* ... at this value: the next one, in the order of acquire(). A timeline only moves up, so
                                   a frame whose submission comes after that of a frame acquired later needs a new one:
                                   ferry_consumer_renew_signal() */
  ferry_frame_metadata metadata;
  uint32_t peer_queue_family;   /* who owns the image before and after: VK_QUEUE_FAMILY_EXTERNAL, or VK_QUEUE_FAMILY_FOREIGN_EXT
                                   where another driver is on the other side. For the barriers of ferry_vulkan.h */
  uint32_t reserved2;
} ferry_frame;
#define FERRY_FRAME_SIZE sizeof(ferry_frame)

/* The next frame (mode LATEST: the newest) if it is newer than the last one acquired. Set out->struct_size.
 * WOULD_BLOCK, TIMEOUT; LIMIT_EXCEEDED when max_holds frames are held; STREAM_CLOSED and EVICTED after the last frame.
 * An orphaned stream gives its last frame once and then nothing until a producer returns. Makes no system call unless
 * it sleeps or has to drain the descriptor of ferry_consumer_get_fd(); in transport host-memory it also waits for the
 * GPU to copy the frame's pixels (DEVICE_LOST if it does not). Since 0.1. */
FERRY_API FERRY_NODISCARD int32_t ferry_consumer_acquire(ferry_consumer* consumer, int64_t timeout_ns, ferry_frame* out);

enum { /* release flags */
  FERRY_RELEASE_SIGNALLED = 0, /* work that signals signal_semaphore at signal_value has been submitted */
  FERRY_RELEASE_UNUSED = 1,    /* no submitted work reads the image any more, none signals: the slot is free at once */
  FERRY_RELEASE_IMPLICIT = 2   /* the work that reads is found in the dma-buf's own (implicit) fences: signal nothing. Of frames
                                  that ferry_consumer_export() gave out; UNSUPPORTED before Linux 6.0 */
};
/* Gives the frame back. Frames may be released in any order. What was submitted must signal in increasing order of
 * signal_value, whatever the order of acquire() and release(): see ferry_consumer_renew_signal().
 * INVALID_STATE when the frame is not held (double release), or was not exported (IMPLICIT). Since 0.1. */
FERRY_API FERRY_NODISCARD int32_t ferry_consumer_release(ferry_consumer* consumer, uint64_t sequence, uint32_t flags);

/* Sets @frame->signal_value to one above all that were given out, for a frame that is held: what the submission of its last
 * read is to signal now. Nothing submitted may signal the old value, and nobody will. For programs that hold several
 * frames and do not submit their reads in the order of acquire(): call it for each right before its submission, in the order
 * of the submissions, and every order is right. A frame that has the highest value already keeps it. No system call.
 * INVALID_STATE when the frame is not held. Since 0.1. */
FERRY_API FERRY_NODISCARD int32_t ferry_consumer_renew_signal(ferry_consumer* consumer, ferry_frame* frame);

enum { /* flags of ferry_consumer_export() */
  FERRY_EXPORT_FENCE = 1 << 0 /* The frame's own work goes into the dma-buf's implicit fences (DMA_BUF_IOCTL_IMPORT_SYNC_FILE,
                                 Linux 6.0): who reads by them, as a display or OpenGL does, waits for it. Needs a lent
                                 queue. Without it wait for wait_semaphore first. */
};

/* The dma-buf of a held frame, for what is not Vulkan: a display (drmPrimeFDToHandle), an encoder (V4L2), EGL. Set
 * out->struct_size. @out->fd is the caller's to close, and must not be written to. The frame stays held until
 * ferry_consumer_release(): with FERRY_RELEASE_IMPLICIT, or once the reading has ended with FERRY_RELEASE_UNUSED.
 * INVALID_STATE when the frame is not held; UNSUPPORTED in other transports than dma-buf, and for a flag without a lent
 * queue. Since 0.1. */
FERRY_API FERRY_NODISCARD int32_t ferry_consumer_export(ferry_consumer* consumer, uint64_t sequence, uint32_t flags,
                                                        ferry_dma_buf* out);

/* A descriptor for poll/epoll that is readable while acquire() or next_event() has something. It is the library's: do
 * not read or close it. Once asked for, call both after each wake-up, next_event() and acquire(0), until they answer
 * WOULD_BLOCK: events that nobody takes keep it readable. With max_holds frames held it is quiet until one is released.
 * Since 0.1. */
FERRY_API FERRY_NODISCARD int32_t ferry_consumer_get_fd(ferry_consumer* consumer, int* out);

typedef enum ferry_event_type {
  FERRY_EVENT_GENERATION = 1,        /* frames of a new generation will come: see generation, width_px ... */
  FERRY_EVENT_ORPHANED = 2,          /* the producer died; the last frame stays */
  FERRY_EVENT_RESUMED = 3,           /* another producer took over */
  FERRY_EVENT_CLOSED = 4,            /* the stream has ended */
  FERRY_EVENT_EVICTED = 5,           /* this lease has ended: see reason */
  FERRY_EVENT_BROKER_LOST = 6,       /* the broker is gone; frames go on, and the library looks for the next one */
  FERRY_EVENT_GENERATION_FAILED = 7, /* a new generation could not be imported: see reason; the last frame stays */
  FERRY_EVENT_BROKER_BACK = 8        /* another broker has taken everything back */
} ferry_event_type;

typedef struct ferry_event {
  uint32_t struct_size;
  uint32_t type;
  uint64_t generation;
  uint32_t width_px, height_px, format, slot_count;
  char reason[256];
} ferry_event;
#define FERRY_EVENT_SIZE sizeof(ferry_event)

/* The oldest event not yet seen; WOULD_BLOCK when there is none. Set out->struct_size. Since 0.1. */
FERRY_API FERRY_NODISCARD int32_t ferry_consumer_next_event(ferry_consumer* consumer, ferry_event* out);

/* Set out->struct_size. Since 0.1. */
FERRY_API int32_t ferry_consumer_get_state(ferry_consumer* consumer, ferry_stream_state* out);

/* The same for a producer: BROKER_LOST, BROKER_BACK, and CLOSED when no broker takes the stream back (begin() then says
 * why; the stream has to be created anew). ferry_producer_get_fd() rings for them. Since 0.1. */
FERRY_API FERRY_NODISCARD int32_t ferry_producer_next_event(ferry_producer* producer, ferry_event* out);

/* A descriptor for poll/epoll, as ferry_consumer_get_fd(): readable while next_event() has something; and, once a begin()
 * has answered WOULD_BLOCK or TIMEOUT, when the next one may find a slot, or fails, or can tell the broker who is in the way
 * (every second). It then stays readable until begin() is called: a program that wants no slot any more calls begin(0) all
 * the same and cancels what it gets. After each wake-up call next_event() until it answers WOULD_BLOCK, and begin(0) if a slot
 * is wanted. It may wake for nothing. It is the library's: do not read or close it; it ends with the producer. While nobody
 * asks for it, it costs nothing. Since 0.1. */
FERRY_API FERRY_NODISCARD int32_t ferry_producer_get_fd(ferry_producer* producer, int* out);

/* Ends the lease. Waits (at most 2 s) for the signals that releases have promised. Frames that are still held are given
 * back as they are: their images stay until signal_semaphore reaches their signal_value, and at the latest until the
 * ferry_device is destroyed; release them first, or the producer may draw over what your GPU still reads. Always frees
 * the handle. Since 0.1. */
FERRY_API int32_t ferry_consumer_destroy(ferry_consumer* consumer);

#ifdef __cplusplus
}
#endif
#endif
