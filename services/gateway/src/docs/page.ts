// GET /docs: the reference of the API as a page, made of the same description as /openapi.json. It is whole in
// itself: nothing is loaded from anywhere, no script runs, and its content security policy says so.

import { createHash } from 'node:crypto'
import { type ProblemCodeView, problemCodes } from '../problem.ts'
import { type Example, examples } from './examples.ts'
import { type Html, html } from './html.ts'
import { type JsonSchema, schemaView, typeText } from './schema-view.ts'
import { style } from './style.ts'

/** As much of OpenAPI 3.1 as the description has. */
export interface ApiDescription {
  readonly info: { readonly title: string; readonly version: string; readonly description?: string }
  readonly paths?: { readonly [path: string]: { readonly [method: string]: Operation } }
  readonly components?: { readonly schemas?: { readonly [name: string]: JsonSchema } }
}

interface Operation {
  readonly operationId?: string
  readonly summary?: string
  readonly tags?: readonly string[]
  readonly parameters?: readonly Parameter[]
  readonly requestBody?: { readonly content: Content }
  readonly responses: { readonly [status: string]: ApiResponse }
}

interface Parameter {
  readonly name: string
  readonly in: 'path' | 'query' | 'header'
  readonly required?: boolean
  readonly description?: string
  readonly schema?: JsonSchema
}

interface ApiResponse {
  readonly description: string
  readonly content?: Content
}

interface Content {
  readonly [type: string]: { readonly schema?: JsonSchema }
}

interface Route {
  readonly method: string
  readonly path: string
  readonly operation: Operation
}

export const docsPolicy = [
  "default-src 'none'",
  `style-src 'sha256-${createHash('sha256').update(style).digest('base64')}'`,
  'img-src data:',
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ')

/** What most readers come for. */
const tagsFirst = ['Records', 'Topics', 'Groups']

/** `host` as the reader wrote it: the lines to copy name it. */
export function docsPage(description: ApiDescription, host: string): string {
  const { info, components } = description
  const routes = routesOf(description)
  const tags = [...new Set([...tagsFirst, ...routes.map(tagOf)])]
  const ofTag = (tag: string) => routes.filter((route) => tagOf(route) === tag)
  const schemas = Object.entries(components?.schemas ?? {})
  const page = html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>${info.title}: HTTP API</title>
<link rel="icon" href="data:,">
<style>STYLE</style>
</head>
<body>
<nav>
<h1>${info.title}</h1>
<p><a href="/openapi.json">openapi.json</a> · ${info.version}</p>
${tags.map((tag) => html`<h2>${tag}</h2><ol>${ofTag(tag).map(entryView)}</ol>`)}
<h2>Problems</h2>
<ol><li><a href="#problems">All codes</a></li></ol>
<h2>Schemas</h2>
<ol>${schemas.map(([name]) => html`<li><a href="#schema-${name}">${name}</a></li>`)}</ol>
</nav>
<main>
<h1>${info.title}: HTTP API</h1>
<p>${info.description}</p>
${tags.map((tag) => html`<h2>${tag}</h2>${ofTag(tag).map((route) => routeView(route, host))}`)}
<h2 id="problems">Problems</h2>
<p>Every answer of 400 and above is a <a href="#schema-Problem">problem</a> (RFC 9457) with one of these codes. Where it
stands for an error of Kafka, it names that too; <code>retriable</code> and <code>side_effects</code> say whether to
try again, and whether that can store a record twice.</p>
<table>${problemCodes().map(problemView)}</table>
<h2>Schemas</h2>
${schemas.map(
  ([name, schema]) =>
    html`<section id="schema-${name}"><h3>${name}</h3><pre>${schemaView(schema)}</pre></section>`,
)}
</main>
</body>
</html>
`
  // Escaping would change it, and with it the hash in the policy.
  return page.text.replace('STYLE', () => style)
}

function routesOf({ paths = {} }: ApiDescription): Route[] {
  return Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ method, path, operation })),
  )
}

function tagOf({ operation }: Route): string {
  return operation.tags?.[0] ?? 'Other'
}

function anchorOf({ method, path, operation }: Route): string {
  return operation.operationId ?? `${method}${path}`
}

function entryView(route: Route): Html {
  const { method, path } = route
  return html`<li><a href="#${anchorOf(route)}"><span class="method ${method}">${method}</span>
<span class="path">${path}</span></a></li>`
}

function routeView(route: Route, host: string): Html {
  const { method, path, operation } = route
  const { summary, parameters = [], requestBody, responses } = operation
  return html`<section id="${anchorOf(route)}">
<h3><span class="method ${method}">${method}</span> ${path}</h3>
<p>${summary}</p>
${examplesOf(route, host).map((example) => html`<pre>${example}</pre>`)}
${parameters.length > 0 ? html`<h4>Parameters</h4><table>${parameters.map(parameterView)}</table>` : ''}
${requestBody ? html`<h4>Body</h4>${contentView(requestBody.content)}` : ''}
<h4>Responses</h4>
${Object.entries(responses).map(responseView)}
</section>
`
}

function parameterView({ name, in: where, required, description, schema = {} }: Parameter): Html {
  const values = schema.enum ? schema.enum.join(' | ') : typeText(schema)
  const about = description ?? schema.description
  const preset = schema.enum && schema.default !== undefined ? ` = ${schema.default}` : ''
  return html`<tr>
<td><code>${name}</code>${required ? '' : '?'} <span class="in">${where}</span></td>
<td><code><i>${values}${preset}</i></code>${about ? html` · ${about}` : ''}</td>
</tr>
`
}

function responseView([status, { description, content = {} }]: [string, ApiResponse]): Html {
  const title = status === 'default' ? '4xx, 5xx' : status
  const about = html`<code>${title}</code> ${description}`
  if (Object.keys(content).length === 0) return html`<p>${about}</p>`
  return html`<p>${about}</p>${contentView(content)}`
}

function problemView({ code, status, title }: ProblemCodeView): Html {
  return html`<tr><td><code>${code}</code></td><td><code>${status}</code> ${title}</td></tr>\n`
}

/** A type whose shape stands elsewhere, or that has none, takes a line; others are drawn. */
function contentView(content: Content): Html {
  const entries = Object.entries(content)
  const isDrawn = ({ schema }: { schema?: JsonSchema }) =>
    schema !== undefined && schema.$ref === undefined && schema.type !== 'string'
  const drawn = entries.filter(([, each]) => isDrawn(each))
  const named = entries.filter(([, each]) => !isDrawn(each))
  const lines = named.map(([type, { schema }], index) => {
    const shape = schema?.$ref ? html` ${schemaView(schema)}` : ''
    return html`${index > 0 ? ', ' : ''}${type}${shape}`
  })
  const boxes = drawn.map(([type, { schema = {} }]) => {
    return html`<pre><span class="note">${type}</span>\n${schemaView(schema)}</pre>`
  })
  return html`${boxes}${lines.length > 0 ? html`<p class="note">${lines}</p>` : ''}`
}

const lineColumnsMax = 100

function examplesOf(route: Route, host: string): string[] {
  const { method, path, operation } = route
  const shown: readonly Example[] = examples[operation.operationId ?? ''] ?? [{}]
  const concrete = path
    .replace('{topic}', 'orders')
    .replace('{partition}', '0')
    .replace('{group}', 'readers')
  return shown.map(({ options = [], query = '' }) => {
    const sends = options.some((option) => option.startsWith('-d'))
    const plain = method === 'get' || (method === 'post' && sends)
    const words = ['curl', ...(plain ? [] : [`-X ${method.toUpperCase()}`]), ...options]
    const url = `'http://${host}${concrete}${query}'`
    const command = words.join(' ')
    const long = command.length + url.length > lineColumnsMax
    return long ? `${command} \\\n  ${url}` : `${command} ${url}`
  })
}
