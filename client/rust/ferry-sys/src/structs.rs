use crate::{
    MAX_DAMAGE_RECTS, MAX_USER_BYTES, PfnGetInstanceProcAddr, VkDevice, VkFormat, VkImage, VkImageView, VkInstance,
    VkPhysicalDevice, VkQueue, VkSemaphore,
};
use core::ffi::{c_char, c_int, c_void};

/// A struct that says its own size.
///
/// # Safety
/// All bits zero is a valid value, and the first field is the 32-bit `struct_size`.
pub unsafe trait Sized: Copy {
    /// All zero but for the size.
    fn sized() -> Self {
        // SAFETY: the trait's promise.
        unsafe {
            let mut value: Self = core::mem::zeroed();
            (&raw mut value).cast::<u32>().write(size_of::<Self>() as u32);
            value
        }
    }
}

macro_rules! opaque {
    ($($(#[$doc:meta])* $name:ident;)*) => {$(
        $(#[$doc])*
        #[repr(C)]
        pub struct $name {
            _private: [u8; 0],
            _neither_send_nor_sync_nor_unpin: core::marker::PhantomData<(*mut u8, core::marker::PhantomPinned)>,
        }
    )*};
}

opaque! {
    /// A session with the broker.
    Connection;
    /// A Vulkan device that Ferry imports into.
    Device;
    /// The right to publish into one stream.
    Producer;
    /// One lease: the right to read one stream.
    Consumer;
}

macro_rules! structs {
    ($($name:ident { $($field:ident: $type:ty,)* })*) => {$(
        #[repr(C)]
        #[derive(Clone, Copy)]
        pub struct $name {
            pub struct_size: u32,
            $(pub $field: $type,)*
        }
        // SAFETY: integers, floats, raw pointers and optional functions.
        unsafe impl Sized for $name {}
    )*};
}

#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DmaBufPlane {
    pub offset_bytes: u64,
    pub row_pitch_bytes: u64,
}

#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Rect {
    pub x_px: u32,
    pub y_px: u32,
    pub width_px: u32,
    pub height_px: u32,
}

structs! {
    Conflict {
        reserved: u32,
        party: [c_char; 192],
        constraint: [c_char; 64],
        party_has: [c_char; 256],
        others_have: [c_char; 256],
    }
    ConnectInfo {
        reserved: u32,
        socket_path: *const c_char,
        application: *const c_char,
        timeout_ns: i64,
    }
    VulkanInfo {
        queue_family_index: u32,
        instance: VkInstance,
        physical_device: VkPhysicalDevice,
        device: VkDevice,
        get_instance_proc_addr: PfnGetInstanceProcAddr,
    }
    VulkanRequirements {
        api_version: u32,
        device_extension_count: u32,
        timeline_semaphore: u32,
        device_extensions: *const *const c_char,
    }
    DeviceCreateInfo {
        enable_validation: u32,
        connection: *mut Connection,
        selector: *const c_char,
        instance_extension_count: u32,
        device_extension_count: u32,
        instance_extensions: *const *const c_char,
        device_extensions: *const *const c_char,
        device_features: *const c_void,
    }
    DeviceInfo {
        queue_family_index: u32,
        instance: VkInstance,
        physical_device: VkPhysicalDevice,
        device: VkDevice,
        queue: VkQueue,
        get_instance_proc_addr: PfnGetInstanceProcAddr,
        device_uuid: [u8; 16],
        driver_uuid: [u8; 16],
        name: [c_char; 256],
        is_software: u32,
        can_timeline: u32,
        validation_errors: u64,
    }
    ImageDesc {
        width_px: u32,
        height_px: u32,
        format: u32,
        usage: u32,
        flags: u32,
        primaries: u8,
        transfer: u8,
        range: u8,
        alpha: u8,
        reserved: u32,
    }
    FrameMetadata {
        orientation: u32,
        alpha: u32,
        primaries: u32,
        transfer: u32,
        range: u32,
        present_ns: u64,
        crop: Rect,
        damage_count: u32,
        user_size_bytes: u32,
        damage: [Rect; MAX_DAMAGE_RECTS],
        red_xy: [f32; 2],
        green_xy: [f32; 2],
        blue_xy: [f32; 2],
        white_xy: [f32; 2],
        max_luminance: f32,
        min_luminance: f32,
        max_content_light: f32,
        max_frame_average_light: f32,
        user: [u8; MAX_USER_BYTES],
        reserved: [u64; 4],
    }
    StreamInfo {
        sync_mode: u32,
        name: *const c_char,
        image: ImageDesc,
        queue_policy: u32,
        frames_in_flight: u32,
        min_slots: u32,
        transport: u32,
    }
    Target {
        slot: u32,
        generation: u64,
        id: u64,
        image: VkImage,
        view: VkImageView,
        vk_format: VkFormat,
        format: u32,
        width_px: u32,
        height_px: u32,
        wait_count: u32,
        reserved: u32,
        wait_semaphores: *const VkSemaphore,
        wait_values: *const u64,
        signal_semaphore: VkSemaphore,
        signal_value: u64,
        peer_queue_family: u32,
        reserved2: u32,
    }
    StreamState {
        sync_mode: u32,
        generation: u64,
        frames: u64,
        slot_count: u32,
        consumer_count: u32,
        width_px: u32,
        height_px: u32,
        format: u32,
        connected: u32,
        starved: u64,
        transport: [c_char; 32],
        sync_reason: [c_char; 256],
        transport_reason: [c_char; 256],
        primaries: u32,
        transfer: u32,
        range: u32,
        alpha: u32,
    }
    AttachInfo {
        mode: u32,
        name: *const c_char,
        max_holds: u32,
        queue_depth: u32,
        timeout_ns: i64,
    }
    Frame {
        slot: u32,
        generation: u64,
        sequence: u64,
        skipped: u64,
        produced_ns: u64,
        image: VkImage,
        view: VkImageView,
        vk_format: VkFormat,
        format: u32,
        width_px: u32,
        height_px: u32,
        wait_semaphore: VkSemaphore,
        wait_value: u64,
        signal_semaphore: VkSemaphore,
        signal_value: u64,
        metadata: FrameMetadata,
        peer_queue_family: u32,
        reserved2: u32,
    }
    DmaBuf {
        fd: c_int,
        modifier: u64,
        size_bytes: u64,
        plane_count: u32,
        reserved: u32,
        planes: [DmaBufPlane; 4],
    }
    OwnSlots {
        count: u32,
        flags: u32,
        reserved: u32,
        slots: *const DmaBuf,
    }
    Event {
        r#type: u32,
        generation: u64,
        width_px: u32,
        height_px: u32,
        format: u32,
        slot_count: u32,
        reason: [c_char; 256],
    }
}
