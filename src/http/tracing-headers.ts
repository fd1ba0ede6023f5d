/**
 * Request headers that tracing adds to what an app's page sends, which no page can leave out: the
 * app fails where a preflight refuses one of them (Fetch §3.2.2). Nothing here reads them.
 */
export const TRACING_HEADERS = [
  // Trace Context and Baggage (W3C), as OpenTelemetry sends them.
  'traceparent',
  'tracestate',
  'baggage',
  'sentry-trace',
  // Zipkin.
  'b3',
  'X-B3-TraceId',
  'X-B3-SpanId',
  'X-B3-ParentSpanId',
  'X-B3-Sampled',
  'X-B3-Flags',
  // Datadog.
  'x-datadog-trace-id',
  'x-datadog-parent-id',
  'x-datadog-origin',
  'x-datadog-sampling-priority',
  // New Relic.
  'newrelic',
  // Application Insights.
  'Request-Id',
  'Request-Context',
] as const;
