//! Routing filters of the catalog, kept in memory as far as a budget goes.

use std::collections::HashMap;
use std::sync::{Arc, RwLock};

use crate::catalog::Catalog;
use crate::error::Result;
use crate::segment::{RoutingFilter, SegmentId};
use crate::view::FilterSource;

/// Most bytes of filters kept; beyond it they are fetched from the catalog each time.
const CACHE_BYTES_MAX: usize = 32 * 1024 * 1024;

/// See the module.
#[derive(Debug)]
pub(crate) struct CachedFilters {
    catalog: Arc<Catalog>,
    cache: RwLock<Cache>,
}

/// A filter's bytes; `None` where the catalog has none for the field.
type Filter = Option<Arc<[u8]>>;

#[derive(Debug, Default)]
struct Cache {
    filters: HashMap<SegmentId, Vec<(Box<str>, Filter)>>,
    bytes: usize,
}

impl CachedFilters {
    pub(crate) fn new(catalog: Arc<Catalog>) -> CachedFilters {
        CachedFilters { catalog, cache: RwLock::default() }
    }

    fn cached(&self, segment: SegmentId, field: &str) -> Option<Filter> {
        let cache = self.cache.read().unwrap_or_else(|poisoned| poisoned.into_inner());
        let filters = cache.filters.get(&segment)?;
        filters.iter().find(|(known, _)| **known == *field).map(|(_, filter)| filter.clone())
    }

    fn fetch(&self, segment: SegmentId, field: &str) -> Result<Filter> {
        let filter: Filter = self.catalog.filter(segment, field)?.map(Into::into);
        let mut cache = self.cache.write().unwrap_or_else(|poisoned| poisoned.into_inner());
        let bytes = filter.as_ref().map_or(0, |filter| filter.len()) + field.len() + 64;
        if cache.bytes + bytes <= CACHE_BYTES_MAX {
            cache.bytes += bytes;
            cache.filters.entry(segment).or_default().push((field.into(), filter.clone()));
        }
        Ok(filter)
    }
}

impl FilterSource for CachedFilters {
    fn may_contain(&self, segment: SegmentId, field: &str, text: &str) -> Result<bool> {
        let filter = match self.cached(segment, field) {
            Some(filter) => filter,
            None => self.fetch(segment, field)?,
        };
        Ok(filter.is_none_or(|filter| RoutingFilter::may_contain(&filter, text)))
    }
}
