//! The work: the same files, the same commands, one place after the other for each step.

use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use tokio::time::Instant;

use crate::corpus::Corpus;
use crate::places::{Place, drop_caches};
use crate::{Failure, Table};

const MIB: u64 = 1 << 20;
/// How long each kind of small access is measured, in seconds.
const SECONDS: u64 = 10;

/// How much is done, and with what.
pub(crate) struct Sizes {
    sequential: u64,
    random: u64,
    small_files: u64,
    rows: Vec<String>,
    archive: PathBuf,
    repository: PathBuf,
    files: u64,
}

impl Sizes {
    /// Makes a tree of source files below `dir`, an archive of it and a repository.
    pub(crate) fn of(scale: u64, rows: &str, dir: &Path) -> Result<Self, Failure> {
        let (archive, repository) = (dir.join("source.tar"), dir.join("repository.git"));
        let rows = rows.split(',').filter(|row| !row.is_empty()).map(str::to_owned).collect();
        // 27,000 files are all of this corpus.
        let percent = (scale * 75 / 1000).max(1);
        let tree = Corpus::make("code", percent, &dir.join("source"))?;
        run(Command::new("tar").arg("-C").arg(dir).arg("-cf").arg(&archive).arg("source"))?;
        git(&tree.dir, &["init", "-q", "."])?;
        git(&tree.dir, &["add", "."])?;
        git(&tree.dir, &["commit", "-q", "-m", "all"])?;
        let (from, to) = (tree.dir.to_string_lossy(), repository.to_string_lossy());
        git(dir, &["clone", "-q", "--bare", &from, &to])?;
        Ok(Self {
            sequential: 512 * MIB * scale / 100,
            random: 128 * MIB * scale / 100,
            small_files: (2_000 * scale / 100).max(10),
            rows,
            archive,
            repository,
            files: tree.files,
        })
    }

    fn wants(&self, row: &str) -> bool {
        self.rows.is_empty() || self.rows.iter().any(|part| row.contains(part.as_str()))
    }
}

/// One step at one place: its figure.
type Step<'a> = &'a dyn Fn(&mut dyn Place) -> Result<f64, Failure>;

/// Every step at every place.
pub(crate) fn round(
    sizes: &Sizes,
    round: u64,
    places: &mut [Box<dyn Place>],
    table: &mut Table,
) -> Result<(), Failure> {
    let name = format!("round-{round}");
    for place in places.iter() {
        fs::create_dir(place.dir().join(&name))?;
    }
    let at = |place: &dyn Place, file: &str| place.dir().join(&name).join(file);
    let mut each = |row: &'static str, step: Step<'_>| {
        for (column, place) in places.iter_mut().enumerate().filter(|_| sizes.wants(row)) {
            table.add(row, column, step(&mut **place)?);
            let (name, last) = (place.name(), table.last(row, column));
            writeln!(std::io::stdout(), "  {row}: {name}: {last:.1}")?;
        }
        Ok::<(), Failure>(())
    };
    files(sizes, &at, &mut each)?;
    bytes(sizes, &at, &mut each)
}

/// Where a file of this round is.
type At<'a> = &'a dyn Fn(&dyn Place, &str) -> PathBuf;
/// Has every place do a step.
type Each<'a> = &'a mut dyn FnMut(&'static str, Step<'_>) -> Result<(), Failure>;

/// Many small files.
fn files(sizes: &Sizes, at: At<'_>, each: Each<'_>) -> Result<(), Failure> {
    let count = sizes.small_files;
    each("create 4 KiB files, /s", &|place| {
        let dir = at(place, "small");
        fs::create_dir(&dir)?;
        rate(count, || {
            (0..count).try_for_each(|no| {
                Ok(File::create_new(dir.join(format!("{no}")))?.write_all(&[no as u8; 4096])?)
            })
        })
    })?;
    each("stat, kernel caches dropped, /s", &|place| {
        let dir = at(place, "small");
        drop_caches()?;
        rate(count, || {
            (0..count).try_for_each(|no| {
                let len = fs::metadata(dir.join(format!("{no}")))?.len();
                if len == 4096 { Ok(()) } else { Err("a file has another size".into()) }
            })
        })
    })?;
    each("list and stat, kernel caches dropped, /s", &|place| {
        let dir = at(place, "small");
        drop_caches()?;
        rate(count, || {
            let mut seen = 0;
            for entry in fs::read_dir(&dir)? {
                seen += u64::from(entry?.metadata()?.len() == 4096);
            }
            if seen == count { Ok(()) } else { Err("files are missing".into()) }
        })
    })?;
    each("unpack the archive, s", &|place| {
        let dir = at(place, "unpacked");
        fs::create_dir(&dir)?;
        seconds(|| run(Command::new("tar").arg("-C").arg(&dir).arg("-xf").arg(&sizes.archive)))
    })?;
    each("git clone, s", &|place| {
        let (from, to) = (format!("file://{}", sizes.repository.display()), at(place, "clone"));
        let dir = place.dir().to_owned();
        let took = seconds(|| git(&dir, &["clone", "-q", &from, &to.to_string_lossy()]))?;
        let cloned = walk(&to)?;
        if cloned < sizes.files { Err("files are missing".into()) } else { Ok(took) }
    })
}

/// The bytes of a few large files.
fn bytes(sizes: &Sizes, at: At<'_>, each: Each<'_>) -> Result<(), Failure> {
    let sequential = |place: &dyn Place, how: &[&str]| {
        let job = Fio { file: at(place, "sequential"), size: sizes.sequential, bs: "1M" };
        Ok::<f64, Failure>(job.run(how)?.bandwidth / 1e6)
    };
    let random = |place: &dyn Place, how: &[&str]| {
        let job = Fio { file: at(place, "random"), size: sizes.random, bs: "4k" };
        Ok::<f64, Failure>(job.run(how)?.iops)
    };
    let time = format!("--runtime={SECONDS}");
    each("sequential write, MB/s", &|place| sequential(place, &["--rw=write", "--end_fsync=1"]))?;
    each("random write of 4 KiB, IOPS", &|place| {
        random(place, &["--rw=write", "--bs=1M", "--end_fsync=1"])?;
        random(place, &["--rw=randwrite", "--time_based", &time, "--end_fsync=1"])
    })?;
    each("write and fdatasync 4 KiB, /s", &|place| {
        let job = Fio { file: at(place, "synced"), size: 64 * MIB, bs: "4k" };
        Ok(job.run(&["--rw=write", "--fdatasync=1", "--time_based", &time])?.iops)
    })?;
    each("random read of 4 KiB here, IOPS", &|place| {
        drop_caches()?;
        random(place, &["--rw=randread", "--time_based", &time])
    })?;
    each("cold sequential read, MB/s", &|place| {
        place.settle()?;
        place.chill()?;
        sequential(place, &["--rw=read"])
    })?;
    each("warm sequential read, MB/s", &|place| {
        sequential(place, &["--rw=read", "--invalidate=0"])
    })?;
    each("cold random read of 4 KiB, IOPS", &|place| {
        place.chill()?;
        random(place, &["--rw=randread", "--time_based", &time])
    })?;
    each("first byte of a cold file, ms", &|place| {
        place.chill()?;
        let file = File::open(at(place, "sequential"))?;
        let mut byte = [0];
        let took = seconds(|| {
            std::os::unix::fs::FileExt::read_exact_at(&file, &mut byte, sizes.sequential / 2)?;
            Ok(())
        });
        Ok(took? * 1e3)
    })
}

/// A job for fio.
struct Fio {
    file: PathBuf,
    size: u64,
    bs: &'static str,
}

/// What fio measured.
struct Measured {
    bandwidth: f64,
    iops: f64,
}

impl Fio {
    fn run(&self, how: &[&str]) -> Result<Measured, Failure> {
        let mut command = Command::new("fio");
        command.args([
            "--name=job",
            "--ioengine=psync",
            "--output-format=json",
            "--fallocate=none",
        ]);
        command.arg(format!("--filename={}", self.file.display()));
        command.arg(format!("--size={}", self.size)).arg(format!("--bs={}", self.bs)).args(how);
        let output = command.stdin(Stdio::null()).stderr(Stdio::null()).output()?;
        if !output.status.success() {
            return Err(format!("{command:?}: {}", output.status).into());
        }
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let json = text.find('{').map(|at| &text[at..]).ok_or("fio says nothing")?;
        let all: serde_json::Value = serde_json::from_str(json)?;
        let job = &all["jobs"][0];
        let kind = if how.iter().any(|arg| arg.contains("read")) { "read" } else { "write" };
        // With the sync at the end, which fio leaves out of its own figure.
        let (bytes, ios) = (job[kind]["io_bytes"].as_f64(), job[kind]["total_ios"].as_f64());
        let millis = job["job_runtime"].as_f64().filter(|millis| *millis > 0.0);
        let (bytes, ios) = (bytes.ok_or("no bytes")?, ios.ok_or("no ios")?);
        let secs = millis.ok_or("no time")? / 1e3;
        Ok(Measured { bandwidth: bytes / secs, iops: ios / secs })
    }
}

fn run(command: &mut Command) -> Result<(), Failure> {
    let output = command.stdin(Stdio::null()).output()?;
    if output.status.success() {
        return Ok(());
    }
    Err(format!("{command:?}: {}", String::from_utf8_lossy(&output.stderr)).into())
}

fn git(dir: &Path, args: &[&str]) -> Result<(), Failure> {
    let mut command = Command::new("git");
    command.current_dir(dir).env("GIT_CONFIG_GLOBAL", "/dev/null").env("GIT_CONFIG_SYSTEM", "");
    command.args(["-c", "user.name=n", "-c", "user.email=e", "-c", "gc.auto=0"]).args(args);
    run(&mut command)
}

fn walk(dir: &Path) -> Result<u64, Failure> {
    let mut count = 0;
    for entry in fs::read_dir(dir)? {
        let entry = entry?;
        count += if entry.file_type()?.is_dir() { walk(&entry.path())? } else { 1 };
    }
    Ok(count)
}

fn seconds(work: impl FnOnce() -> Result<(), Failure>) -> Result<f64, Failure> {
    let started = Instant::now();
    work()?;
    Ok(started.elapsed().as_secs_f64())
}

fn rate(count: u64, work: impl FnOnce() -> Result<(), Failure>) -> Result<f64, Failure> {
    Ok(count as f64 / seconds(work)?)
}
