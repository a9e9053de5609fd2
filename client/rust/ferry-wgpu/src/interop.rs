use crate::barrier::{self, Transfer};
use crate::host_wait;
use ash::vk::{self, Handle as _};
use ferry::{Connection, Error, ErrorKind, Result, VulkanHandles};
use std::time::Duration;
use wgpu::hal::api::Vulkan;

/// Far longer than any frame takes: reaching it means that the GPU is gone.
const GPU_PATIENCE: Duration = Duration::from_secs(10);

/// A wgpu device that Ferry imports into. Clones share it.
#[derive(Clone, Debug)]
pub struct Interop {
    pub(crate) connection: Connection,
    pub(crate) ferry: ferry::Device,
    pub(crate) device: wgpu::Device,
    pub(crate) queue: wgpu::Queue,
    family: u32,
    pub(crate) gpu_waits: bool,
    host_waits_spin: bool,
}

impl Interop {
    /// Lets Ferry use a wgpu device on Vulkan, whoever made it. wgpu enables what importing memory needs on every Vulkan
    /// device; sync mode `timeline` also needs what [`crate::add_extensions`] adds, without it the mode is `host`.
    pub fn new(connection: &Connection, device: &wgpu::Device, queue: &wgpu::Queue) -> Result<Self> {
        // SAFETY: the handles are read, and kept alive by the clone that goes with them.
        let (handles, family, host_waits_spin) = unsafe {
            let hal = device.as_hal::<Vulkan>().ok_or_else(|| {
                Error::new(ErrorKind::Unsupported, "the wgpu device is not on Vulkan, which Ferry needs on Linux")
            })?;
            let instance = hal.shared_instance();
            let family = hal.queue_family_index();
            let handles = VulkanHandles {
                instance: instance.raw_instance().handle().as_raw() as _,
                physical_device: hal.raw_physical_device().as_raw() as _,
                device: hal.raw_device().handle().as_raw() as _,
                queue_family_index: family,
                get_instance_proc_addr: std::mem::transmute::<
                    vk::PFN_vkGetInstanceProcAddr,
                    ferry::sys::PfnGetInstanceProcAddr,
                >(instance.entry().static_fn().get_instance_proc_addr),
            };
            let spins = host_wait::spins(instance.raw_instance(), hal.raw_physical_device());
            (handles, family, spins)
        };
        // SAFETY: handles of a living device, which the clone keeps alive.
        let ferry = unsafe { ferry::Device::wrap(&handles, Box::new(device.clone()))? };
        Ok(Self {
            connection: connection.clone(),
            ferry,
            device: device.clone(),
            queue: queue.clone(),
            family,
            gpu_waits: false,
            host_waits_spin,
        })
    }

    /// Lets the GPU wait for the other process's GPU, instead of this thread.
    ///
    /// # Safety
    /// While [`Producer::begin`](crate::Producer::begin) or [`Consumer::update`](crate::Consumer::update) runs, no other
    /// thread submits to this queue or presents with it: the wait is a submission that wgpu knows nothing of.
    #[must_use]
    pub unsafe fn assume_sole_submitter(self) -> Self {
        Self { gpu_waits: true, ..self }
    }

    /// What Ferry knows of the device: its name, whether sync mode `timeline` is possible.
    pub fn device_info(&self) -> Result<ferry::DeviceInfo> {
        self.ferry.info()
    }

    /// The wgpu device that textures belong to.
    #[must_use]
    pub fn device(&self) -> &wgpu::Device {
        &self.device
    }

    /// Nothing that is submitted after this overtakes the points.
    pub(crate) fn wait_for(&self, points: impl Iterator<Item = (u64, u64)>) -> Result<()> {
        // SAFETY: the semaphores are Ferry's, on this device, and live while the frame or target is held.
        unsafe {
            let hal = self.device.as_hal::<Vulkan>().expect("checked when it was made");
            let vulkan = hal.raw_device();
            let (semaphores, values): (Vec<_>, Vec<_>) = points
                .map(|(semaphore, value)| (vk::Semaphore::from_raw(semaphore), value))
                .filter(|(semaphore, value)| {
                    !vulkan.get_semaphore_counter_value(*semaphore).is_ok_and(|at| at >= *value)
                })
                .unzip();
            if semaphores.is_empty() {
                return Ok(());
            }
            if !self.gpu_waits {
                return host_wait::wait(vulkan, &semaphores, &values, self.host_waits_spin, GPU_PATIENCE).map_err(lost);
            }
            // A wait covers everything that comes later in submission order, also what wgpu submits.
            let stages = vec![vk::PipelineStageFlags::ALL_COMMANDS; semaphores.len()];
            let mut points = vk::TimelineSemaphoreSubmitInfo::default().wait_semaphore_values(&values);
            let submit = vk::SubmitInfo::default()
                .wait_semaphores(&semaphores)
                .wait_dst_stage_mask(&stages)
                .push_next(&mut points);
            vulkan.queue_submit(hal.raw_queue(), &[submit], vk::Fence::null()).map_err(lost)
        }
    }

    /// Sleeps until the GPU is through with a submission; all of them for `None`.
    pub(crate) fn wait_until_done(&self, submission_index: Option<wgpu::SubmissionIndex>) -> Result<()> {
        let wait = wgpu::PollType::Wait { submission_index, timeout: Some(GPU_PATIENCE) };
        let stuck = |error| Error::new(ErrorKind::DeviceLost, format!("waiting for the GPU: {error}"));
        self.device.poll(wait).map(|_| ()).map_err(stuck)
    }

    /// Submits, and then has `point` signalled: by a submission of its own, because whatever is staged goes with the next
    /// one of anybody's, also with one that another thread brings in between. By then it follows the commands.
    pub(crate) fn submit_and_signal(
        &self,
        commands: impl IntoIterator<Item = wgpu::CommandBuffer>,
        (semaphore, value): (u64, u64),
    ) -> wgpu::SubmissionIndex {
        self.queue.submit(commands);
        // SAFETY: the semaphore is Ferry's, on this device.
        unsafe { self.queue.as_hal::<Vulkan>() }
            .expect("checked when it was made")
            .add_signal_semaphore(vk::Semaphore::from_raw(semaphore), Some(value));
        self.queue.submit([]) // reaches the driver: wgpu submits also when there are no commands
    }

    pub(crate) fn record(&self, transfers: &[Transfer]) -> wgpu::CommandBuffer {
        barrier::record(&self.device, self.family, transfers)
    }

    /// Brings `texture` into the layout that images cross in, as wgpu tracks it. Nothing when it is there already.
    pub(crate) fn settle(&self, texture: &wgpu::Texture) -> wgpu::CommandBuffer {
        let mut encoder =
            self.device.create_command_encoder(&wgpu::CommandEncoderDescriptor { label: Some("ferry layout") });
        let transition =
            wgpu::wgt::TextureTransition { texture, selector: None, state: wgpu::wgt::TextureUses::RESOURCE };
        encoder.transition_resources(std::iter::empty(), std::iter::once(transition));
        encoder.finish()
    }
}

fn lost(result: vk::Result) -> Error {
    let kind = match result {
        vk::Result::ERROR_OUT_OF_HOST_MEMORY | vk::Result::ERROR_OUT_OF_DEVICE_MEMORY => ErrorKind::OutOfMemory,
        _ => ErrorKind::DeviceLost,
    };
    Error::new(kind, format!("waiting for the other process's GPU: {result}"))
}
