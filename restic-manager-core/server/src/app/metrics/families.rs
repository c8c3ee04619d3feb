//! Families of metrics as a table, and the text that Prometheus reads.

use prometheus_client::{
    collector::Collector,
    encoding::{DescriptorEncoder, MetricEncoder, NoLabelSet, prometheus_text},
    metrics::MetricType,
    registry::Registry,
};
use restic_manager_proto::Timestamp;
use std::{borrow::Cow, fmt};

/// What the text is.
pub(super) const CONTENT_TYPE: &str = prometheus_text::CONTENT_TYPE;

/// One family of metrics, shown of a view.
pub(super) struct Family<V> {
    /// Without the `_total` of a counter, which is written by itself.
    pub(super) name: &'static str,
    pub(super) help: &'static str,
    pub(super) kind: MetricType,
    pub(super) series: fn(&V) -> Vec<Series<'_>>,
}

/// One series: its labels, and what it is now.
pub(super) struct Series<'v> {
    pub(super) labels: Vec<(&'static str, Cow<'v, str>)>,
    pub(super) value: Value,
}

pub(super) enum Value {
    Number(f64),
    Histogram { buckets: Vec<(f64, u64)>, count: u64, sum: f64 },
}

impl<V> Family<V> {
    /// A family of what goes up and down.
    pub(super) const fn gauge(
        name: &'static str,
        help: &'static str,
        series: fn(&V) -> Vec<Series<'_>>,
    ) -> Self {
        Self { name, help, kind: MetricType::Gauge, series }
    }

    /// A family of what only grows.
    pub(super) const fn counter(
        name: &'static str,
        help: &'static str,
        series: fn(&V) -> Vec<Series<'_>>,
    ) -> Self {
        Self { name, help, kind: MetricType::Counter, series }
    }

    fn encode(&self, view: &V, encoder: &mut DescriptorEncoder<'_>) -> fmt::Result {
        let series = (self.series)(view);
        // A family without any series is left out: its name alone says nothing.
        if series.is_empty() {
            return Ok(());
        }
        let mut family = encoder.encode_descriptor(self.name, self.help, None, self.kind)?;
        series.iter().try_for_each(|one| one.value.encode(self.kind, family.encode_family(&one.labels)?))
    }
}

impl Value {
    fn encode(&self, kind: MetricType, mut encoder: MetricEncoder<'_>) -> fmt::Result {
        match (self, kind) {
            (Self::Histogram { buckets, count, sum }, _) => {
                encoder.encode_histogram::<NoLabelSet>(*sum, *count, buckets, None)
            }
            (Self::Number(value), MetricType::Counter) => {
                encoder.encode_counter::<NoLabelSet, _, f64>(value, None)
            }
            (Self::Number(value), _) => encoder.encode_gauge(value),
        }
    }
}

/// One series without labels.
pub(super) fn alone<'v>(value: f64) -> Vec<Series<'v>> {
    vec![Series { labels: Vec::new(), value: Value::Number(value) }]
}

/// The same for what may not be known.
pub(super) fn alone_if_known<'v>(value: Option<f64>) -> Vec<Series<'v>> {
    value.map(alone).unwrap_or_default()
}

/// A series with one label for each of some words.
pub(super) fn by<'v, W: Into<Cow<'v, str>>>(
    label: &'static str,
    values: impl IntoIterator<Item = (W, f64)>,
) -> Vec<Series<'v>> {
    let one =
        |(word, value): (W, f64)| Series { labels: vec![(label, word.into())], value: Value::Number(value) };
    values.into_iter().map(one).collect()
}

/// A series for each row of which the value is known.
pub(super) fn rows<'v, R, const N: usize>(
    rows: &'v [R],
    labels: fn(&'v R) -> [(&'static str, &'v str); N],
    value: fn(&R) -> Option<f64>,
) -> Vec<Series<'v>> {
    let one = |row: &'v R| {
        let value = Value::Number(value(row)?);
        Some(Series { labels: labels(row).map(|(name, text)| (name, Cow::Borrowed(text))).into(), value })
    };
    rows.iter().filter_map(one).collect()
}

/// A moment as Prometheus counts time.
pub(super) fn seconds(moment: Timestamp) -> f64 {
    moment.as_milliseconds() as f64 / 1000.0
}

pub(super) const fn flag(is_so: bool) -> f64 {
    if is_so { 1.0 } else { 0.0 }
}

/// The text of all families of a view.
pub(super) fn text<V: Send + Sync + 'static>(
    families: &'static [Family<V>],
    view: V,
) -> Result<String, fmt::Error> {
    let mut registry = Registry::default();
    registry.register_collector(Box::new(Shown { families, view }));
    let mut text = String::new();
    prometheus_text::encode(&mut text, &registry)?;
    Ok(text)
}

struct Shown<V: 'static> {
    families: &'static [Family<V>],
    view: V,
}

impl<V> fmt::Debug for Shown<V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Shown({} families)", self.families.len())
    }
}

impl<V: Send + Sync + 'static> Collector for Shown<V> {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        self.families.iter().try_for_each(|family| family.encode(&self.view, &mut encoder))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FAMILIES: &[Family<Vec<(String, f64)>>] = &[
        Family::gauge("a_gauge", "What\\it \"is\".", |rows| {
            by("name", rows.iter().map(|(name, value)| (name.as_str(), *value)))
        }),
        Family::counter("a_counter", "How many.", |_| alone(3.0)),
        Family::gauge("nothing", "Of nothing.", |_| Vec::new()),
    ];

    #[test]
    fn names_that_people_chose_stay_one_label() {
        let hostile = "a\"b\\c\nd{} 1\n# TYPE";
        let text = text(FAMILIES, vec![(hostile.to_owned(), 1.5), ("plain".to_owned(), -1.0)]).unwrap();
        let expected = "# HELP a_gauge What\\\\it \"is\".\n# TYPE a_gauge gauge\n\
                        a_gauge{name=\"a\\\"b\\\\c\\nd{} 1\\n# TYPE\"} 1.5\na_gauge{name=\"plain\"} -1.0\n\
                        # HELP a_counter_total How many.\n# TYPE a_counter_total counter\na_counter_total 3.0\n";
        assert_eq!(text, expected);
    }
}
