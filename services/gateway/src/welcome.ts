// What GET / says: that this is the right place, and lines to copy into a terminal.

export function welcomeText(host: string): string {
  const base = `http://${host}`
  return `Sluice: a Kafka broker that also speaks HTTP.

Kafka clients connect to ${host}. With curl:

  # store a record (the topic is created if the broker allows it)
  curl -d 'hello' ${base}/v1/topics/greetings/records

  # with a key, as JSON
  curl -H 'Content-Type: application/json' \\
    -d '{"records":[{"key":"k1","value":{"n":1}}]}' ${base}/v1/topics/greetings/records

  # read a page
  curl ${base}/v1/topics/greetings/records

  # follow the log: values, one a line
  curl -N -H 'Accept: text/plain' '${base}/v1/topics/greetings/records?follow=true'

  # follow it as server-sent events
  curl -N -H 'Accept: text/event-stream' ${base}/v1/topics/greetings/records

  # topics
  curl ${base}/v1/topics

Reference: ${base}/docs   OpenAPI: ${base}/openapi.json   Metrics: ${base}/metrics
`
}
