//! MooseFS as its Debian packages have it: a master, three chunkservers and a client, each a child
//! of ours with its files below one directory. Its chunkservers refuse 127.0.0.1, so they use the
//! machine's own address, which never leaves the machine either.

use std::net::{IpAddr, TcpListener, UdpSocket};
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::Failure;
use crate::places::{Place, Served, detach, is_mounted, until};

/// Copies of each chunk, as the issue has it.
const GOAL: &str = "2";
const EMPTY: &str = "/var/lib/mfs/metadata.mfs.empty";

/// A running MooseFS. Dropped, all of it ends: the client first, the master last.
pub(crate) struct Moose {
    mount: PathBuf,
    _client: Served,
    _chunkservers: Vec<Served>,
    _master: Served,
}

impl Moose {
    pub(crate) const PROGRAMS: [&str; 4] =
        ["mfsmaster", "mfschunkserver", "mfsmount", "mfssetgoal"];

    pub(crate) fn start(dir: &Path) -> Result<Self, Failure> {
        std::fs::create_dir(dir)?;
        let (host, ports) = (own_address()?, free_ports()?);
        let [to_logger, to_servers, to_clients, ..] = ports;
        let at = |name: &str| dir.join(name);
        std::fs::write(at("exports"), "* / rw,alldirs,admin,maproot=0:0\n")?;
        std::fs::write(at("topology"), "")?;
        std::fs::create_dir(at("master"))?;
        std::fs::copy(EMPTY, at("master/metadata.mfs"))?;
        let common = "WORKING_USER = root\nWORKING_GROUP = root\nNICE_LEVEL = 0\n";
        let config = format!(
            "{common}DATA_PATH = {}\nEXPORTS_FILENAME = {}\nTOPOLOGY_FILENAME = {}\n\
             MATOML_LISTEN_HOST = {host}\nMATOML_LISTEN_PORT = {to_logger}\n\
             MATOCS_LISTEN_HOST = {host}\nMATOCS_LISTEN_PORT = {to_servers}\n\
             MATOCL_LISTEN_HOST = {host}\nMATOCL_LISTEN_PORT = {to_clients}\n",
            at("master").display(),
            at("exports").display(),
            at("topology").display(),
        );
        std::fs::write(at("master.cfg"), config)?;
        let serve = |program: &str, config: &Path| {
            Served::start(Command::new(program).arg("-f").arg("-c").arg(config).arg("start"))
        };
        let master = serve("mfsmaster", &at("master.cfg"))?;
        let listens = || std::net::TcpStream::connect((host, to_servers)).is_ok();
        until("mfsmaster", listens)?;
        let mut chunkservers = Vec::new();
        for (no, port) in ports.iter().skip(3).enumerate() {
            let (data, disk) = (at(&format!("data{no}")), at(&format!("disk{no}")));
            std::fs::create_dir(&data)?;
            std::fs::create_dir(&disk)?;
            let list = at(&format!("disk{no}.list"));
            std::fs::write(&list, format!("{}\n", disk.display()))?;
            let config = format!(
                "{common}DATA_PATH = {}\nHDD_CONF_FILENAME = {}\nMASTER_HOST = {host}\n\
                 MASTER_PORT = {to_servers}\nCSSERV_LISTEN_HOST = {host}\n\
                 CSSERV_LISTEN_PORT = {port}\n",
                data.display(),
                list.display(),
            );
            let path = at(&format!("chunkserver{no}.cfg"));
            std::fs::write(&path, config)?;
            chunkservers.push(serve("mfschunkserver", &path)?);
        }
        let mount = at("mount");
        std::fs::create_dir(&mount)?;
        let mut command = Command::new("mfsmount");
        command.args(["-f", "-H", &host.to_string(), "-P", &to_clients.to_string()]).arg(&mount);
        let client = Served::start(&mut command)?;
        until("mfsmount", || is_mounted(&mount))?;
        let moose = Self { mount, _client: client, _chunkservers: chunkservers, _master: master };
        moose.make_ready()?;
        Ok(moose)
    }

    /// Waits for all its servers, by writing something that needs them.
    fn make_ready(&self) -> Result<(), Failure> {
        let run = Command::new("mfssetgoal").args(["-r", GOAL]).arg(&self.mount).output()?;
        if !run.status.success() {
            return Err(format!("mfssetgoal: {}", String::from_utf8_lossy(&run.stderr)).into());
        }
        let mut servers = 0;
        until("MooseFS's servers", || {
            let space = rustix::fs::statvfs(&self.mount).map(|space| space.f_blocks);
            // Each of them adds the disk's size.
            let grown = space.is_ok_and(|blocks| blocks > 0);
            servers += u32::from(grown);
            servers > 30
        })
    }
}

impl Place for Moose {
    fn name(&self) -> String {
        "MooseFS".to_owned()
    }

    fn dir(&self) -> &Path {
        &self.mount
    }
}

impl Drop for Moose {
    fn drop(&mut self) {
        detach(&self.mount);
    }
}

/// The address that this machine would write to others from. Nothing is sent.
fn own_address() -> Result<IpAddr, Failure> {
    let socket = UdpSocket::bind("0.0.0.0:0")?;
    socket.connect("192.0.2.200:9")?;
    Ok(socket.local_addr()?.ip())
}

/// Ports that nobody uses now.
fn free_ports() -> Result<[u16; 6], Failure> {
    let mut held = Vec::new();
    for _ in 0..6 {
        held.push(TcpListener::bind("0.0.0.0:0")?);
    }
    let mut ports = [0; 6];
    for (port, listener) in ports.iter_mut().zip(&held) {
        *port = listener.local_addr()?.port();
    }
    Ok(ports)
}
