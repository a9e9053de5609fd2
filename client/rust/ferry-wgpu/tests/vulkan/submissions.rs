//! What reaches the driver: a wgpu device whose `vkQueueSubmit` is listened to.

use ash::vk::{self, Handle as _};
use ferry_wgpu::ferry::Connection;
use ferry_wgpu::{Gpu, Interop};
use std::ffi::{CStr, c_char};
use std::sync::{Mutex, OnceLock};
use wgpu::hal::api::Vulkan;
use wgpu::hal::vulkan::Instance;

#[derive(Clone, Debug)]
pub struct Submission {
    pub command_buffers: u32,
    /// Semaphores and values.
    pub signals: Vec<(u64, u64)>,
}

/// Of all devices made here, in order.
static SEEN: Mutex<Vec<Submission>> = Mutex::new(Vec::new());
static LOADER: OnceLock<ash::Entry> = OnceLock::new();
static GET_DEVICE_PROC_ADDR: OnceLock<vk::PFN_vkGetDeviceProcAddr> = OnceLock::new();
static QUEUE_SUBMIT: OnceLock<vk::PFN_vkQueueSubmit> = OnceLock::new();

pub fn seen() -> Vec<Submission> {
    SEEN.lock().unwrap().clone()
}

unsafe extern "system" fn get_instance_proc_addr(
    instance: vk::Instance,
    name: *const c_char,
) -> vk::PFN_vkVoidFunction {
    // SAFETY: as Vulkan's own; the pointers are of the functions' own types.
    unsafe {
        let real = (LOADER.get().unwrap().static_fn().get_instance_proc_addr)(instance, name);
        if CStr::from_ptr(name) != c"vkGetDeviceProcAddr" || real.is_none() {
            return real;
        }
        GET_DEVICE_PROC_ADDR.get_or_init(|| std::mem::transmute::<vk::PFN_vkVoidFunction, _>(real));
        std::mem::transmute::<vk::PFN_vkGetDeviceProcAddr, vk::PFN_vkVoidFunction>(get_device_proc_addr)
    }
}

unsafe extern "system" fn get_device_proc_addr(device: vk::Device, name: *const c_char) -> vk::PFN_vkVoidFunction {
    // SAFETY: as above.
    unsafe {
        let real = GET_DEVICE_PROC_ADDR.get().unwrap()(device, name);
        if CStr::from_ptr(name) != c"vkQueueSubmit" {
            return real;
        }
        QUEUE_SUBMIT.get_or_init(|| std::mem::transmute::<vk::PFN_vkVoidFunction, _>(real));
        std::mem::transmute::<vk::PFN_vkQueueSubmit, vk::PFN_vkVoidFunction>(queue_submit)
    }
}

unsafe extern "system" fn queue_submit(
    queue: vk::Queue,
    count: u32,
    submits: *const vk::SubmitInfo<'_>,
    fence: vk::Fence,
) -> vk::Result {
    // SAFETY: what wgpu submits is valid; wgpu's only chain of a submission starts with the timelines' values.
    unsafe {
        for submit in std::slice::from_raw_parts(submits, count as usize) {
            let points = submit.p_next.cast::<vk::TimelineSemaphoreSubmitInfo<'_>>();
            let value = |at: usize| match points.as_ref() {
                Some(points) if points.s_type == vk::StructureType::TIMELINE_SEMAPHORE_SUBMIT_INFO => {
                    *points.p_signal_semaphore_values.add(at)
                }
                _ => 0,
            };
            let signals = (0..submit.signal_semaphore_count as usize)
                .map(|at| ((*submit.p_signal_semaphores.add(at)).as_raw(), value(at)))
                .collect();
            SEEN.lock().unwrap().push(Submission { command_buffers: submit.command_buffer_count, signals });
        }
        QUEUE_SUBMIT.get().unwrap()(queue, count, submits, fence)
    }
}

/// As `ferry_wgpu::open`, but listened to. One driver for all that are made here.
pub fn open(connection: &Connection) -> Gpu {
    // SAFETY: the loader lives for ever, and the functions above do what Vulkan says.
    unsafe {
        let loader = LOADER.get_or_init(|| ash::Entry::load().unwrap());
        let entry = ash::Entry::from_static_fn(ash::StaticFn { get_instance_proc_addr });
        let flags = wgpu::InstanceFlags::empty();
        let extensions = Instance::desired_extensions(loader, vk::API_VERSION_1_3, flags).unwrap();
        let names: Vec<_> = extensions.iter().map(|name| name.as_ptr()).collect();
        let application = vk::ApplicationInfo::default().api_version(vk::API_VERSION_1_3);
        let info = vk::InstanceCreateInfo::default().application_info(&application).enabled_extension_names(&names);
        let raw = entry.create_instance(&info, None).unwrap();
        let instance = Instance::from_raw(
            entry,
            raw,
            vk::API_VERSION_1_3,
            0,
            None,
            extensions,
            flags,
            wgpu::MemoryBudgetThresholds::default(),
            false,
            None,
        );
        let instance = wgpu::Instance::from_hal::<Vulkan>(instance.unwrap());
        let uuid =
            ferry_wgpu::open(connection, &Default::default()).unwrap().interop.device_info().unwrap().device_uuid;
        let adapters = crate::gpu::at_once(instance.enumerate_adapters(wgpu::Backends::VULKAN));
        let adapter = adapters.into_iter().find(|adapter| uuid_of(adapter) == uuid).expect("the broker's device");
        let descriptor = wgpu::DeviceDescriptor::default();
        let opened = {
            let hal = adapter.as_hal::<Vulkan>().unwrap();
            hal.open_with_callback(
                descriptor.required_features,
                &descriptor.required_limits,
                &descriptor.memory_hints,
                Some(Box::new(|mut args| ferry_wgpu::add_extensions(&mut args, &hal))),
            )
            .unwrap()
        };
        let (device, queue) = adapter.create_device_from_hal::<Vulkan>(opened, &descriptor).unwrap();
        let interop = Interop::new(connection, &device, &queue).unwrap();
        Gpu { instance, adapter, device, queue, interop }
    }
}

fn uuid_of(adapter: &wgpu::Adapter) -> [u8; 16] {
    let mut id = vk::PhysicalDeviceIDProperties::default();
    let mut properties = vk::PhysicalDeviceProperties2::default().push_next(&mut id);
    // SAFETY: a query of a living physical device.
    unsafe {
        let hal = adapter.as_hal::<Vulkan>().unwrap();
        let instance = hal.shared_instance().raw_instance();
        instance.get_physical_device_properties2(hal.raw_physical_device(), &mut properties);
    }
    id.device_uuid
}
