//! What a process can say and do about its own time and memory.

use rustix::mm::{Advice, MapFlags, ProtFlags, madvise, mmap_anonymous, munmap};

use crate::Result;

/// Has this machine give the process the memory that `BENCH_WARM_BYTES` asks for, and gives it back: a virtual machine may
/// have lent its free memory to the host, and the first program to touch it would pay for the others. Peak memory is
/// counted from here on.
pub(crate) fn warm() -> Result<()> {
    let bytes = std::env::var("BENCH_WARM_BYTES")
        .ok()
        .map_or(Ok(0), |bytes| bytes.parse())?;
    if bytes > 0 {
        // By huge pages, as numpy does it, so that both sides find memory in the same state.
        let (access, private) = (ProtFlags::READ | ProtFlags::WRITE, MapFlags::PRIVATE);
        // SAFETY: a new mapping that nobody else knows, written within its bounds and unmapped here.
        unsafe {
            let memory = mmap_anonymous(std::ptr::null_mut(), bytes, access, private)?;
            madvise(memory, bytes, Advice::LinuxHugepage)?;
            memory.cast::<u8>().write_bytes(1, bytes);
            munmap(memory, bytes)?;
        }
    }
    // 5 resets `VmHWM`; where that is not allowed the peak holds what was warmed, which is seen.
    let _ = std::fs::write("/proc/self/clear_refs", "5");
    Ok(())
}

/// New memory of zeros that the kernel has not been made to touch yet, by huge pages where they are to be had.
pub(crate) fn new_memory(bytes: usize) -> Result<Vec<u8>> {
    let mut memory = vec![0_u8; bytes];
    let skip = memory.as_ptr().align_offset(4096);
    let length = bytes.saturating_sub(skip) / 4096 * 4096;
    // SAFETY: the range lies in the vector's buffer and holds whole pages of it; the advice changes no content.
    unsafe {
        madvise(
            memory.as_mut_ptr().add(skip).cast(),
            length,
            Advice::LinuxHugepage,
        )?
    };
    Ok(memory)
}

/// User and system time of this process, threads that have ended too.
pub(crate) fn cpu_seconds() -> f64 {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    time.tv_sec as f64 + time.tv_nsec as f64 / 1e9
}

/// The most memory that this process has had.
pub(crate) fn peak_bytes() -> Result<u64> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))
        .ok_or("no VmHWM")?;
    Ok(line.trim().trim_end_matches(" kB").parse::<u64>()? * 1024)
}
