//! The promise: an acknowledged transaction survives a power loss, and any transaction is there whole or not at all, whatever was
//! being done then. Attacked by recording every file operation of the real program, by building what a disk may hold after each of
//! them (unsynced writes lost, kept, or torn at 512 bytes), and by comparing what such a disk says with what was acknowledged.

#[expect(dead_code, reason = "what several tests share is not used whole by each of them")]
#[path = "../common/place.rs"]
mod place;
#[path = "../common/shim.rs"]
mod shim;

mod recorder;
