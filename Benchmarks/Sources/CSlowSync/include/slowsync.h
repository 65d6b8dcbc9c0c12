// A library for LD_PRELOAD: each fsync, fdatasync and msync takes PO_SLOW_SYNC_MS milliseconds longer, as a disk with a real flush does.
#pragma once
