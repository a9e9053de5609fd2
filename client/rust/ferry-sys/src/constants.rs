pub const VERSION_MAJOR: u32 = 0;
pub const VERSION_MINOR: u32 = 1;
pub const VERSION_PATCH: u32 = 0;

pub const OK: i32 = 0;
pub const ERROR_INVALID_ARGUMENT: i32 = -1;
pub const ERROR_INVALID_STATE: i32 = -2;
pub const ERROR_STALE_HANDLE: i32 = -3;
pub const ERROR_TIMEOUT: i32 = -4;
pub const ERROR_WOULD_BLOCK: i32 = -5;
pub const ERROR_NO_BROKER: i32 = -6;
pub const ERROR_DISCONNECTED: i32 = -7;
pub const ERROR_VERSION_MISMATCH: i32 = -8;
pub const ERROR_PERMISSION_DENIED: i32 = -9;
pub const ERROR_NOT_FOUND: i32 = -10;
pub const ERROR_NAME_TAKEN: i32 = -11;
pub const ERROR_LIMIT_EXCEEDED: i32 = -12;
pub const ERROR_INCOMPATIBLE: i32 = -13;
pub const ERROR_UNSUPPORTED: i32 = -14;
pub const ERROR_STREAM_CLOSED: i32 = -15;
pub const ERROR_EVICTED: i32 = -16;
pub const ERROR_DEVICE_LOST: i32 = -17;
pub const ERROR_OUT_OF_MEMORY: i32 = -18;
pub const ERROR_PROTOCOL_VIOLATION: i32 = -19;
pub const ERROR_SYSTEM: i32 = -20;
pub const ERROR_INTERNAL: i32 = -21;

pub const FORMAT_RGBA8_UNORM: u32 = 1;
pub const FORMAT_RGBA8_SRGB: u32 = 2;
pub const FORMAT_BGRA8_UNORM: u32 = 3;
pub const FORMAT_BGRA8_SRGB: u32 = 4;
pub const FORMAT_RGB10A2_UNORM: u32 = 5;
pub const FORMAT_RGBA16_FLOAT: u32 = 6;
pub const FORMAT_NV12: u32 = 7;
pub const FORMAT_P010: u32 = 8;

pub const USAGE_RENDER: u32 = 1 << 0;
pub const USAGE_SAMPLE: u32 = 1 << 1;
pub const USAGE_STORAGE: u32 = 1 << 2;
pub const USAGE_TRANSFER_SRC: u32 = 1 << 3;
pub const USAGE_TRANSFER_DST: u32 = 1 << 4;

pub const IMAGE_SRGB_VIEWS: u32 = 1 << 0;

pub const ORIENTATION_NORMAL: u32 = 1;
pub const ORIENTATION_MIRRORED: u32 = 2;
pub const ORIENTATION_ROTATED_180: u32 = 3;
pub const ORIENTATION_FLIPPED: u32 = 4;
pub const ORIENTATION_TRANSPOSED: u32 = 5;
pub const ORIENTATION_ROTATED_90: u32 = 6;
pub const ORIENTATION_TRANSVERSED: u32 = 7;
pub const ORIENTATION_ROTATED_270: u32 = 8;

pub const ALPHA_OPAQUE: u32 = 0;
pub const ALPHA_PREMULTIPLIED: u32 = 1;
pub const ALPHA_STRAIGHT: u32 = 2;

pub const PRIMARIES_BT709: u32 = 0;
pub const PRIMARIES_DISPLAY_P3: u32 = 1;
pub const PRIMARIES_BT2020: u32 = 2;

pub const TRANSFER_SRGB: u32 = 0;
pub const TRANSFER_LINEAR: u32 = 1;
pub const TRANSFER_PQ: u32 = 2;
pub const TRANSFER_HLG: u32 = 3;
pub const TRANSFER_GAMMA22: u32 = 4;

pub const RANGE_FULL: u32 = 0;
pub const RANGE_LIMITED: u32 = 1;

pub const MAX_DAMAGE_RECTS: usize = 8;
pub const MAX_USER_BYTES: usize = 128;

pub const SYNC_AUTOMATIC: u32 = 0;
pub const SYNC_TIMELINE: u32 = 1;
pub const SYNC_HOST: u32 = 2;
pub const SYNC_FD: u32 = 3;

pub const TRANSPORT_AUTOMATIC: u32 = 0;
pub const TRANSPORT_OPAQUE_FD: u32 = 1;
pub const TRANSPORT_DMA_BUF: u32 = 2;
pub const TRANSPORT_HOST_MEMORY: u32 = 3;

pub const QUEUE_DROP: u32 = 1;
pub const QUEUE_BLOCK: u32 = 2;

pub const CONSUMER_LATEST: u32 = 1;
pub const CONSUMER_EVERY: u32 = 2;

pub const RELEASE_SIGNALLED: u32 = 0;
pub const RELEASE_UNUSED: u32 = 1;
pub const RELEASE_IMPLICIT: u32 = 2;

pub const OWN_IMPLICIT_FENCES: u32 = 1 << 0;
pub const EXPORT_FENCE: u32 = 1 << 0;

pub const EVENT_GENERATION: u32 = 1;
pub const EVENT_ORPHANED: u32 = 2;
pub const EVENT_RESUMED: u32 = 3;
pub const EVENT_CLOSED: u32 = 4;
pub const EVENT_EVICTED: u32 = 5;
pub const EVENT_BROKER_LOST: u32 = 6;
pub const EVENT_GENERATION_FAILED: u32 = 7;
pub const EVENT_BROKER_BACK: u32 = 8;
