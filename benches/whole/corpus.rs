//! Files to back up, the same for the same scale: described by what they hold in issue 6.

use std::fs;
use std::io::Write;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use crate::Failure;

const BLOCK: usize = 4096;

/// A generated tree.
pub(crate) struct Corpus {
    pub(crate) name: String,
    pub(crate) dir: PathBuf,
    pub(crate) files: u64,
    pub(crate) bytes: u64,
    paths: Vec<PathBuf>,
    is_image: bool,
}

/// What the files of a tree look like.
struct Shape {
    count: u64,
    least: u64,
    most: u64,
    /// One of so many files is incompressible; none when 0.
    noise: u64,
}

impl Corpus {
    /// Makes the corpus `name` at `scale` percent of its size.
    pub(crate) fn make(name: &str, scale: u64, dir: &Path) -> Result<Self, Failure> {
        fs::create_dir(dir)?;
        let (name, dir) = (name.to_owned(), dir.to_owned());
        let mut corpus = Self { name, dir, files: 0, bytes: 0, paths: Vec::new(), is_image: false };
        let shape = match corpus.name.as_str() {
            "code" => Shape { count: 27_000, least: 500, most: 23_400, noise: 0 },
            "docs" => Shape { count: 1_350, least: 5_000, most: 790_000, noise: 2 },
            "tiny" => Shape { count: 40_000, least: 500, most: 8_000, noise: 8 },
            "big" => {
                corpus.is_image = true;
                corpus.big(scale)?;
                return Ok(corpus);
            }
            other => return Err(format!("no corpus {other}").into()),
        };
        corpus.tree(&shape, scale)?;
        Ok(corpus)
    }

    fn tree(&mut self, shape: &Shape, scale: u64) -> Result<(), Failure> {
        for number in 0..(shape.count * scale / 100).max(1) {
            let parent = self.dir.join(format!("{:02}/{:02}", number / 900, number / 30 % 30));
            if number % 30 == 0 {
                fs::create_dir_all(&parent)?;
            }
            let mut dice = Dice(number);
            let len = (shape.least + dice.below(shape.most - shape.least)) as usize;
            let noisy = shape.noise > 0 && number % shape.noise == 0;
            let content = if noisy { dice.noise(len) } else { dice.text(len) };
            self.add(parent.join(format!("file-{number:05}")), &content)?;
        }
        Ok(())
    }

    fn add(&mut self, path: PathBuf, content: &[u8]) -> Result<(), Failure> {
        fs::write(&path, content)?;
        self.files += 1;
        self.bytes += content.len() as u64;
        self.paths.push(path);
        Ok(())
    }

    /// A disk image with zeros, repeats, text and noise; an SQL dump.
    fn big(&mut self, scale: u64) -> Result<(), Failure> {
        const PART: usize = 1_000_000;
        for (name, parts, sql) in
            [("disk.img", 4 * scale, false), ("dump.sql", 4 * scale / 3, true)]
        {
            let path = self.dir.join(name);
            let mut file = fs::File::create(&path)?;
            for part in 0..parts {
                let mut dice = Dice(if part % 5 == 1 { 7 } else { 1_000_000 + part });
                let content = match part % 5 {
                    _ if sql => dice.rows(PART),
                    0 => vec![0; PART],
                    2 | 3 => dice.text(PART),
                    _ => dice.noise(PART),
                };
                file.write_all(&content)?;
                self.bytes += content.len() as u64;
            }
            self.files += 1;
            self.paths.push(path);
        }
        Ok(())
    }

    /// Changes 2 %, on each day others: of the files, or of the blocks of an image.
    pub(crate) fn change(&self, day: u64) -> Result<(), Failure> {
        if self.is_image {
            let file = fs::OpenOptions::new().write(true).open(self.path(0)?)?;
            let blocks = file.metadata()?.len() / BLOCK as u64;
            let mut dice = Dice(41 + day);
            for _ in 0..blocks / 50 {
                let at = dice.below(blocks) * BLOCK as u64;
                file.write_all_at(&dice.noise(BLOCK), at)?;
            }
            return Ok(());
        }
        for (number, path) in self.paths.iter().enumerate().skip(day as usize * 7 % 50).step_by(50)
        {
            let len = fs::metadata(path)?.len() as usize;
            fs::write(path, Dice(day << 32 | number as u64).text(len))?;
        }
        Ok(())
    }

    /// Has the kernel hold all of it, as far as there is memory.
    pub(crate) fn warm(&self) -> Result<(), Failure> {
        for path in &self.paths {
            std::io::copy(&mut fs::File::open(path)?, &mut std::io::sink())?;
        }
        Ok(())
    }

    /// The file to restore alone.
    pub(crate) fn small_file(&self) -> Result<PathBuf, Failure> {
        Ok(self.path(self.paths.len() / 2)?.clone())
    }

    fn path(&self, number: usize) -> Result<&PathBuf, Failure> {
        self.paths.get(number).ok_or_else(|| "an empty corpus".into())
    }
}

/// Numbers that look random and follow from the seed (splitmix64).
pub(crate) struct Dice(u64);

impl Dice {
    /// Begins with this seed.
    pub(crate) const fn new(seed: u64) -> Self {
        Self(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, limit: u64) -> u64 {
        self.next() % limit.max(1)
    }

    /// Incompressible bytes.
    pub(crate) fn noise(&mut self, len: usize) -> Vec<u8> {
        let mut bytes = vec![0; len];
        let seed = self.next().to_le_bytes();
        blake3::Hasher::new().update(&seed).finalize_xof().fill(&mut bytes);
        bytes
    }

    /// Something like source code: common words more often than rare ones, in lines.
    pub(crate) fn text(&mut self, len: usize) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(len + 32);
        while bytes.len() < len {
            let roll = self.next();
            let rank = (roll >> 8) % (1 << (4 + roll % 9));
            let word = Dice(rank).next();
            let letters = word.to_le_bytes();
            let count = 2 + (word % 7) as usize;
            bytes.extend(letters.iter().take(count).map(|letter| b'a' + letter % 26));
            bytes.extend_from_slice(match roll >> 60 {
                0 => b";\n    ",
                1 => b" = ",
                2 => b"(",
                3 => b") ",
                4 => b".",
                _ => b" ",
            });
        }
        bytes.truncate(len);
        bytes
    }

    /// Rows of a table, as a dump has them.
    fn rows(&mut self, len: usize) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(len + 128);
        while bytes.len() < len {
            let (id, amount) = (self.below(10_000_000), self.below(100_000));
            bytes.extend_from_slice(format!("INSERT INTO t VALUES ({id},{amount},'").as_bytes());
            bytes.extend(self.text(40));
            bytes.extend_from_slice(b"');\n");
        }
        bytes.truncate(len);
        bytes
    }
}
