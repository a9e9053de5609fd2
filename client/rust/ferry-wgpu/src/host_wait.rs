//! Waiting on the host for points of another process's GPU.

use ash::vk;
use std::time::{Duration, Instant};

/// Whether vkWaitSemaphores keeps a processor busy until the end, as NVIDIA's does for a timeline that was imported.
pub(crate) fn spins(instance: &ash::Instance, physical_device: vk::PhysicalDevice) -> bool {
    let mut driver = vk::PhysicalDeviceDriverProperties::default();
    let mut properties = vk::PhysicalDeviceProperties2::default().push_next(&mut driver);
    // SAFETY: a query of a living physical device; Ferry's devices have Vulkan 1.2.
    unsafe { instance.get_physical_device_properties2(physical_device, &mut properties) };
    driver.driver_id == vk::DriverId::NVIDIA_PROPRIETARY
}

/// Sleeps until all semaphores have reached their values; where the driver would spin, it looks between naps.
///
/// # Safety
/// The semaphores are timelines of this device, and live meanwhile.
pub(crate) unsafe fn wait(
    device: &ash::Device,
    semaphores: &[vk::Semaphore],
    values: &[u64],
    spins: bool,
    patience: Duration,
) -> Result<(), vk::Result> {
    if !spins {
        let info = vk::SemaphoreWaitInfo::default().semaphores(semaphores).values(values);
        // SAFETY: as this function's.
        return unsafe { device.wait_semaphores(&info, patience.as_nanos() as u64) };
    }
    let started = Instant::now();
    for (semaphore, value) in semaphores.iter().zip(values) {
        // SAFETY: as this function's.
        while unsafe { device.get_semaphore_counter_value(*semaphore)? } < *value {
            let waited = started.elapsed();
            if waited > patience {
                return Err(vk::Result::TIMEOUT);
            }
            std::thread::sleep(nap_after(waited));
        }
    }
    Ok(())
}

/// Grows with the wait, so that neither a short wait is noticed late nor a long one keeps a processor busy.
fn nap_after(waited: Duration) -> Duration {
    (waited / 8).clamp(Duration::from_micros(20), Duration::from_millis(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn naps_grow_with_the_wait_within_limits() {
        assert_eq!(nap_after(Duration::ZERO), Duration::from_micros(20));
        assert_eq!(nap_after(Duration::from_millis(4)), Duration::from_micros(500));
        assert_eq!(nap_after(Duration::from_secs(4)), Duration::from_millis(1));
    }
}
