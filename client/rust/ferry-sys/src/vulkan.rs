//! Vulkan's handles as bits, so that any binding of Vulkan fits: ash's `Handle::from_raw(image)`, say.
use core::ffi::c_void;

pub type VkInstance = *mut c_void;
pub type VkPhysicalDevice = *mut c_void;
pub type VkDevice = *mut c_void;
pub type VkQueue = *mut c_void;
pub type VkImage = u64;
pub type VkImageView = u64;
pub type VkSemaphore = u64;
pub type VkFormat = i32;
pub type PfnGetInstanceProcAddr = Option<
    unsafe extern "system" fn(
        instance: VkInstance,
        name: *const core::ffi::c_char,
    ) -> Option<unsafe extern "system" fn()>,
>;
