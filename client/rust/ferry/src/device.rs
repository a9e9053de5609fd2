use crate::error::check;
use crate::text::{optional_c_string, pointer_of, text_of};
use crate::{Connection, Result};
use ferry_sys::Sized as _;
use std::any::Any;
use std::ffi::{CStr, CString};
use std::ptr::NonNull;
use std::sync::Arc;

/// An application's own Vulkan objects, as bits: ash's `instance.handle().as_raw() as _`.
#[derive(Clone, Copy, Debug)]
pub struct VulkanHandles {
    /// API version 1.2 or newer.
    pub instance: ferry_sys::VkInstance,
    pub physical_device: ferry_sys::VkPhysicalDevice,
    pub device: ferry_sys::VkDevice,
    /// Of the queue that uses the images.
    pub queue_family_index: u32,
    pub get_instance_proc_addr: ferry_sys::PfnGetInstanceProcAddr,
}

impl VulkanHandles {
    fn info(&self) -> ferry_sys::VulkanInfo {
        let mut info = ferry_sys::VulkanInfo::sized();
        info.instance = self.instance;
        info.physical_device = self.physical_device;
        info.device = self.device;
        info.queue_family_index = self.queue_family_index;
        info.get_instance_proc_addr = self.get_instance_proc_addr;
        info
    }
}

#[derive(Clone, Debug, Default)]
pub struct DeviceOptions {
    /// A device UUID, an index, or a part of the name. Empty: the broker's default device.
    pub selector: String,
    /// `VK_LAYER_KHRONOS_validation` where it is installed.
    pub enable_validation: bool,
    /// More than Ferry's own: what a window library asks for, say.
    pub instance_extensions: Vec<CString>,
    /// `VK_KHR_swapchain`, say.
    pub device_extensions: Vec<CString>,
}

/// What there is to know about a device.
#[derive(Clone, Debug)]
pub struct DeviceInfo {
    pub vulkan: VulkanHandles,
    /// Null for a wrapped device.
    pub queue: ferry_sys::VkQueue,
    pub device_uuid: [u8; 16],
    pub driver_uuid: [u8; 16],
    pub name: String,
    pub is_software: bool,
    /// Whether sync mode `timeline` is possible.
    pub can_timeline: bool,
    /// Messages of the validation layer so far.
    pub validation_errors: u64,
}

/// A Vulkan device that Ferry imports into. Clones share it.
#[derive(Clone)]
pub struct Device(Arc<Owned>);

struct Owned {
    handle: NonNull<ferry_sys::Device>,
    /// What a wrapped device stands on, dropped after it.
    _keep_alive: Option<Box<dyn Any + Send + Sync>>,
}

// SAFETY: ferry.h: a ferry_device may be used from any number of threads.
unsafe impl Send for Owned {}
unsafe impl Sync for Owned {}

impl Drop for Owned {
    fn drop(&mut self) {
        // SAFETY: the last owner; every producer and consumer holds a clone, so none is left.
        unsafe { ferry_sys::ferry_device_destroy(self.handle.as_ptr()) };
    }
}

impl Device {
    /// Makes instance, device and one graphics queue, for programs that have none.
    pub fn create(connection: &Connection, options: &DeviceOptions) -> Result<Self> {
        let selector = optional_c_string(&options.selector, "the device selector")?;
        let mut info = ferry_sys::DeviceCreateInfo::sized();
        info.connection = connection.raw();
        info.enable_validation = options.enable_validation.into();
        info.selector = pointer_of(selector.as_ref());
        let pointers = |names: &[CString]| names.iter().map(|name| name.as_ptr()).collect::<Vec<_>>();
        let instance_extensions = pointers(&options.instance_extensions);
        let device_extensions = pointers(&options.device_extensions);
        info.instance_extension_count = instance_extensions.len() as u32;
        info.instance_extensions = instance_extensions.as_ptr();
        info.device_extension_count = device_extensions.len() as u32;
        info.device_extensions = device_extensions.as_ptr();
        let mut handle = std::ptr::null_mut();
        // SAFETY: the texts outlive the call.
        check(unsafe { ferry_sys::ferry_device_create(&info, &mut handle) })?;
        Ok(Self::own(handle, None))
    }

    /// Lets Ferry use an application's device, which must have been made with what [`Device::requirements`] said.
    ///
    /// # Safety
    /// The handles are what they claim to be and live until `keep_alive` is dropped.
    pub unsafe fn wrap(vulkan: &VulkanHandles, keep_alive: Box<dyn Any + Send + Sync>) -> Result<Self> {
        let mut handle = std::ptr::null_mut();
        // SAFETY: the caller's promise.
        check(unsafe { ferry_sys::ferry_device_wrap(&vulkan.info(), &mut handle) })?;
        Ok(Self::own(handle, Some(keep_alive)))
    }

    /// The extensions that a `VkDevice` on this physical device must be created with; `vulkan.device` is ignored.
    ///
    /// # Safety
    /// Instance and physical device live, and belong together.
    pub unsafe fn requirements(vulkan: &VulkanHandles) -> Result<Vec<&'static CStr>> {
        let mut out = ferry_sys::VulkanRequirements::sized();
        // SAFETY: the caller's promise; what comes back is static.
        unsafe {
            check(ferry_sys::ferry_get_vulkan_requirements(&vulkan.info(), &mut out))?;
            let count = out.device_extension_count as usize;
            if count == 0 {
                return Ok(Vec::new());
            }
            let names = std::slice::from_raw_parts(out.device_extensions, count);
            Ok(names.iter().map(|name| CStr::from_ptr(*name)).collect())
        }
    }

    pub fn info(&self) -> Result<DeviceInfo> {
        let mut out = ferry_sys::DeviceInfo::sized();
        // SAFETY: the handle lives.
        check(unsafe { ferry_sys::ferry_device_get_info(self.raw(), &mut out) })?;
        Ok(DeviceInfo {
            vulkan: VulkanHandles {
                instance: out.instance,
                physical_device: out.physical_device,
                device: out.device,
                queue_family_index: out.queue_family_index,
                get_instance_proc_addr: out.get_instance_proc_addr,
            },
            queue: out.queue,
            device_uuid: out.device_uuid,
            driver_uuid: out.driver_uuid,
            name: text_of(&out.name),
            is_software: out.is_software != 0,
            can_timeline: out.can_timeline != 0,
            validation_errors: out.validation_errors,
        })
    }

    pub(crate) fn raw(&self) -> *mut ferry_sys::Device {
        self.0.handle.as_ptr()
    }

    fn own(handle: *mut ferry_sys::Device, keep_alive: Option<Box<dyn Any + Send + Sync>>) -> Self {
        let handle = NonNull::new(handle).expect("libferry gave a device");
        Self(Arc::new(Owned { handle, _keep_alive: keep_alive }))
    }
}

impl std::fmt::Debug for Device {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Device").field(&self.0.handle).finish()
    }
}
