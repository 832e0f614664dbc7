//! What feeds this machine and what its network costs, where the system tells. Unknown is unknown.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use tokio::process::Command;
use tokio::time::timeout;

/// Where Linux describes what feeds the machine.
pub(crate) const SUPPLIES: &str = "/sys/class/power_supply";
/// Longest description that is read, in bytes.
const LONGEST: u64 = 256;
/// Most supplies looked at.
const MOST: usize = 32;
/// How long NetworkManager may take to answer.
const ANSWER: Duration = Duration::from_secs(2);

/// Whether a battery feeds this machine now; none when the system does not tell. A machine without
/// a battery of its own is not on battery. Blocks.
pub(crate) fn on_battery(supplies: &Path) -> Option<bool> {
    let mut batteries = Vec::new();
    let mut mains = Vec::new();
    for entry in std::fs::read_dir(supplies).ok()?.take(MOST) {
        let supply = entry.ok()?.path();
        let said = |what: &str| read(&supply.join(what));
        match said("type").as_deref() {
            // A mouse or headset has its own.
            Some("Battery") if said("scope").as_deref() != Some("Device") => {
                batteries.push(said("status"));
            }
            Some("Mains" | "USB" | "USB_C" | "USB_PD" | "Wireless") => mains.push(said("online")),
            _ => {}
        }
    }
    if batteries.is_empty() {
        return Some(false);
    }
    if mains.iter().flatten().any(|online| online != "0") {
        return Some(false);
    }
    if batteries.iter().flatten().any(|status| status == "Discharging") {
        return Some(true);
    }
    let told = mains.iter().any(Option::is_some);
    // Neither plugged in nor said to discharge: what a full battery says just after unplugging.
    told.then_some(true)
}

fn read(file: &Path) -> Option<String> {
    use std::io::Read;
    let mut text = String::new();
    std::fs::File::open(file).ok()?.take(LONGEST).read_to_string(&mut text).ok()?;
    Some(text.trim().to_owned())
}

/// Whether the network costs by the byte, as NetworkManager has it; none when nobody tells.
pub(crate) async fn metered() -> Option<bool> {
    let asking = Command::new("busctl")
        .args(["--system", "get-property", "org.freedesktop.NetworkManager"])
        .args(["/org/freedesktop/NetworkManager", "org.freedesktop.NetworkManager", "Metered"])
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .output();
    let output = timeout(ANSWER, asking).await.ok()?.ok()?;
    if !output.status.success() {
        return None;
    }
    of_answer(&output.stdout)
}

/// `NMMetered`: 1 yes, 2 no, 3 and 4 the same as guesses, 0 unknown.
fn of_answer(said: &[u8]) -> Option<bool> {
    match std::str::from_utf8(said).ok()?.trim() {
        "u 1" | "u 3" => Some(true),
        "u 2" | "u 4" => Some(false),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
