//! Routing filters of the catalog, kept in memory as far as a budget goes.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::catalog::Catalog;
use crate::error::Result;
use crate::segment::SegmentId;
use crate::view::{FilterSource, RouteFilter};

/// Most bytes of filters kept; beyond it they are fetched from the catalog each time.
const KEPT_BYTES_MAX: usize = 32 * 1024 * 1024;
/// What a filter costs besides its bytes.
const OVERHEAD_BYTES: usize = 64;

/// See the module.
#[derive(Debug)]
pub(crate) struct CatalogFilters {
    catalog: Arc<Catalog>,
    kept_bytes: Arc<AtomicUsize>,
}

/// A part of the budget, given back when the filter goes.
#[derive(Debug)]
struct Share {
    kept_bytes: Arc<AtomicUsize>,
    bytes: usize,
}

impl Share {
    fn take(kept_bytes: &Arc<AtomicUsize>, bytes: usize) -> Option<Share> {
        let before = kept_bytes.fetch_add(bytes, Ordering::Relaxed);
        let share = Share { kept_bytes: Arc::clone(kept_bytes), bytes };
        (before + bytes <= KEPT_BYTES_MAX).then_some(share)
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        self.kept_bytes.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}

impl CatalogFilters {
    pub(crate) fn new(catalog: Arc<Catalog>) -> CatalogFilters {
        CatalogFilters { catalog, kept_bytes: Arc::default() }
    }
}

impl FilterSource for CatalogFilters {
    fn filter(&self, segment: SegmentId, field: &str) -> Result<RouteFilter> {
        let bytes: Arc<[u8]> = self.catalog.filter(segment, field)?.unwrap_or_default().into();
        let share = Share::take(&self.kept_bytes, bytes.len() + OVERHEAD_BYTES);
        Ok(match share {
            Some(share) => RouteFilter::kept(bytes, Arc::new(share)),
            None => RouteFilter::passing(bytes),
        })
    }
}
