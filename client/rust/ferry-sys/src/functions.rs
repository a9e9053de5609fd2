use crate::{
    AttachInfo, Conflict, ConnectInfo, Connection, Consumer, Device, DeviceCreateInfo, DeviceInfo, DmaBuf, Event,
    Frame, FrameMetadata, ImageDesc, OwnSlots, Producer, StreamInfo, StreamState, Target, VkQueue, VulkanInfo,
    VulkanRequirements,
};
use core::ffi::{c_char, c_int, c_void};

unsafe extern "C" {
    pub fn ferry_version() -> *const c_char;
    pub fn ferry_last_error() -> *const c_char;
    pub fn ferry_error_name(code: i32) -> *const c_char;
    pub fn ferry_last_conflict(out: *mut Conflict) -> i32;

    pub fn ferry_connect(info: *const ConnectInfo, out: *mut *mut Connection) -> i32;
    pub fn ferry_disconnect(connection: *mut Connection) -> i32;
    pub fn ferry_query_status(connection: *mut Connection, json_out: *mut *mut c_char) -> i32;
    pub fn ferry_free(memory: *mut c_void);

    pub fn ferry_get_vulkan_requirements(info: *const VulkanInfo, out: *mut VulkanRequirements) -> i32;
    pub fn ferry_device_wrap(info: *const VulkanInfo, out: *mut *mut Device) -> i32;
    pub fn ferry_device_create(info: *const DeviceCreateInfo, out: *mut *mut Device) -> i32;
    pub fn ferry_device_get_info(device: *mut Device, out: *mut DeviceInfo) -> i32;
    pub fn ferry_device_lend_queue(
        device: *mut Device,
        queue: VkQueue,
        lock: Option<unsafe extern "C" fn(user: *mut c_void)>,
        unlock: Option<unsafe extern "C" fn(user: *mut c_void)>,
        user: *mut c_void,
    ) -> i32;
    pub fn ferry_device_destroy(device: *mut Device) -> i32;

    pub fn ferry_producer_create(
        connection: *mut Connection,
        device: *mut Device,
        info: *const StreamInfo,
        out: *mut *mut Producer,
    ) -> i32;
    pub fn ferry_producer_create_with_slots(
        connection: *mut Connection,
        device: *mut Device,
        info: *const StreamInfo,
        own: *const OwnSlots,
        out: *mut *mut Producer,
    ) -> i32;
    pub fn ferry_producer_begin(producer: *mut Producer, timeout_ns: i64, out: *mut Target) -> i32;
    pub fn ferry_producer_publish(producer: *mut Producer, target_id: u64, metadata: *const FrameMetadata) -> i32;
    pub fn ferry_producer_cancel(producer: *mut Producer, target_id: u64) -> i32;
    pub fn ferry_producer_reconfigure(producer: *mut Producer, image: *const ImageDesc) -> i32;
    pub fn ferry_producer_replace_slots(producer: *mut Producer, image: *const ImageDesc, own: *const OwnSlots) -> i32;
    pub fn ferry_producer_get_state(producer: *mut Producer, out: *mut StreamState) -> i32;
    pub fn ferry_producer_next_event(producer: *mut Producer, out: *mut Event) -> i32;
    pub fn ferry_producer_get_fd(producer: *mut Producer, out: *mut c_int) -> i32;
    pub fn ferry_producer_destroy(producer: *mut Producer) -> i32;

    pub fn ferry_consumer_attach(
        connection: *mut Connection,
        device: *mut Device,
        info: *const AttachInfo,
        out: *mut *mut Consumer,
    ) -> i32;
    pub fn ferry_consumer_acquire(consumer: *mut Consumer, timeout_ns: i64, out: *mut Frame) -> i32;
    pub fn ferry_consumer_release(consumer: *mut Consumer, sequence: u64, flags: u32) -> i32;
    pub fn ferry_consumer_renew_signal(consumer: *mut Consumer, frame: *mut Frame) -> i32;
    pub fn ferry_consumer_export(consumer: *mut Consumer, sequence: u64, flags: u32, out: *mut DmaBuf) -> i32;
    pub fn ferry_consumer_get_fd(consumer: *mut Consumer, out: *mut c_int) -> i32;
    pub fn ferry_consumer_next_event(consumer: *mut Consumer, out: *mut Event) -> i32;
    pub fn ferry_consumer_get_state(consumer: *mut Consumer, out: *mut StreamState) -> i32;
    pub fn ferry_consumer_destroy(consumer: *mut Consumer) -> i32;
}
