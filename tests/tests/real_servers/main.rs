//! Real servers from packages. They are started as Unix has it: by path, in a process group.

#[cfg(unix)]
mod unix;

#[cfg(unix)]
fn main() -> std::process::ExitCode {
    unix::main()
}

#[cfg(not(unix))]
fn main() {
    println!("ignored: needs Unix");
}
