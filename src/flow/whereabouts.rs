//! Which packs a snapshot, a path or a name stands for, and so who holds them. Only possible with
//! the vault's key: without it nobody can tell which shards belong together (I5).

use std::collections::BTreeSet;

use chunker::PackId;
use p2p::Grid;

use crate::flow::fetch::{ChunkReader, record_of};
use crate::flow::look::{self, At};
use crate::flow::{Ctx, FlowError};
use crate::vault::index::PackRecord;
use crate::vault::tree::{Content, Kind, Node, Piece};
use crate::vault::view::{SnapshotSpec, SpecError};

/// Fewest digits that name a pack.
const MIN_PREFIX: usize = 8;

/// The packs behind `what`: a snapshot (with `:PATH` a part of it), an absolute path in the newest
/// snapshot, or the beginning of a pack's id.
pub async fn packs<G: Grid>(ctx: &Ctx<G>, what: &[u8]) -> Result<Vec<PackRecord>, FlowError> {
    let text = if what.starts_with(b"/") { [b"latest:", what].concat() } else { what.to_vec() };
    let found = match SnapshotSpec::parse(&text) {
        Ok(spec) => of_snapshot(ctx, &spec).await,
        Err(error) => Err(error.into()),
    };
    match found {
        Err(FlowError::Spec(error)) => of_name(ctx, what, error),
        found => found,
    }
}

/// Packs whose id begins so; when there are none, it was meant as a snapshot.
fn of_name<G: Grid>(
    ctx: &Ctx<G>,
    what: &[u8],
    error: SpecError,
) -> Result<Vec<PackRecord>, FlowError> {
    let prefix = std::str::from_utf8(what).unwrap_or_default().to_ascii_lowercase();
    let mut found = Vec::new();
    if prefix.len() >= MIN_PREFIX {
        ctx.catalog.for_each_pack(|row| {
            if row.id.to_string().starts_with(&prefix) {
                found.push(PackRecord::decode_stored(&row.record)?);
            }
            Ok::<(), FlowError>(())
        })?;
    }
    if found.is_empty() { Err(error.into()) } else { Ok(found) }
}

async fn of_snapshot<G: Grid>(
    ctx: &Ctx<G>,
    spec: &SnapshotSpec,
) -> Result<Vec<PackRecord>, FlowError> {
    let (id, snapshot) = look::resolve(ctx, spec)?;
    let mut reader = ChunkReader::new(ctx);
    let mut gathered = Gathered::default();
    match look::descend(&mut reader, &id, &snapshot, spec.path.as_deref()).await? {
        At::Leaf { node, .. } => gathered.take(&node),
        At::Dir { tree, prefix } => {
            gathered.listings.push(tree.clone());
            look::walk(&mut reader, tree, prefix, |_, node| {
                gathered.take(node);
                true
            })
            .await?;
        }
    }
    let mut packs: BTreeSet<PackId> = BTreeSet::new();
    for content in gathered.contents {
        let pieces = reader.pieces(&content).await?;
        add(ctx, &pieces, &mut packs)?;
        if let Content::Listed(list) = &content {
            add(ctx, list, &mut packs)?;
        }
    }
    for listing in gathered.listings {
        add(ctx, &listing, &mut packs)?;
    }
    packs.iter().map(|pack| record_of(ctx, pack)).collect()
}

/// What a walk came by.
#[derive(Default)]
struct Gathered {
    contents: Vec<Content>,
    listings: Vec<Vec<Piece>>,
}

impl Gathered {
    fn take(&mut self, node: &Node) {
        match &node.kind {
            Kind::File { content, .. } => self.contents.push(content.clone()),
            Kind::Dir { tree } => self.listings.push(tree.clone()),
            _ => {}
        }
    }
}

fn add<G: Grid>(
    ctx: &Ctx<G>,
    pieces: &[Piece],
    packs: &mut BTreeSet<PackId>,
) -> Result<(), FlowError> {
    let ids: Vec<_> = pieces.iter().filter_map(|piece| piece.chunk).collect();
    for (chunk, at) in ids.iter().zip(ctx.catalog.find_many(&ids)?) {
        packs.insert(at.ok_or(FlowError::UnknownChunk { chunk: *chunk })?.pack);
    }
    Ok(())
}
