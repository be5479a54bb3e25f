//! The first instructions of the static executable: they have the kernel bring in, at one go, the
//! pages that hold pointers.
//!
//! A position-independent executable has its pointers put right at each start, so each of those
//! pages, some 25, is written to and would be a page fault of its own: a sixth of the time of a short
//! call (`cargo bench`). One call to `madvise` with `MADV_POPULATE_WRITE` (Linux 5.14, madvise(2))
//! stands for all of them; an older kernel refuses it, and the pages come in one by one as ever.
//!
//! No Rust can run before the pointers are right, so this is assembly. It uses no stack and keeps the
//! stack pointer, all that musl's `_start` goes by. `build.rs` makes it the entry point.
#![expect(unsafe_code, reason = "what runs before relocation can only be written in assembly")]

// `madvise(from, length, MADV_POPULATE_WRITE)` over all that is writable, then `_start`.
#[cfg(target_arch = "x86_64")]
std::arch::global_asm!(
    ".globl start_populated",
    "start_populated:",
    "lea rdi, [rip + __init_array_start]", // the linker's name for where pointers begin
    "and rdi, -4096",
    "lea rsi, [rip + _end]",
    "sub rsi, rdi",
    "mov edx, 23", // MADV_POPULATE_WRITE
    "mov eax, 28", // madvise
    "syscall",
    "jmp _start",
);

// As above. Where pages are larger than 4 KiB the kernel may refuse it, which costs nothing.
#[cfg(target_arch = "aarch64")]
std::arch::global_asm!(
    ".globl start_populated",
    "start_populated:",
    "adrp x0, __init_array_start",
    "adrp x1, _end",
    "add x1, x1, :lo12:_end",
    "sub x1, x1, x0",
    "mov x2, 23",  // MADV_POPULATE_WRITE
    "mov x8, 233", // madvise
    "svc 0",
    "b _start",
);
