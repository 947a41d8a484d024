// Stands in for the browser and the person: node browser.mjs URL
// Follows redirects on this machine, fills the forms it meets, and ends at the
// client's callback. BROWSER_LOGIN is the name it signs in with.
const MAX_STEPS = 15;
const login = process.env.BROWSER_LOGIN || 'interop';

function fail(message) {
  console.error(`browser: ${message}`);
  process.exit(1);
}

// For messages: codes and states stay out of test logs.
const shown = (url) => url.origin + url.pathname;

function checkLoopback(url) {
  const { hostname } = url;
  const loopback = hostname === 'localhost' || hostname === '[::1]' || /^127\.\d+\.\d+\.\d+$/.test(hostname);
  if (url.protocol !== 'http:' || !loopback) fail(`refused ${url.protocol}//${url.host}: only http on this machine`);
}

// As in a browser, cookies belong to a host and a path, not to a port.
const jar = new Map();

function keepCookies(url, response) {
  for (const line of response.headers.getSetCookie()) {
    const [pair, ...attributes] = line.split(';').map((part) => part.trim());
    const name = pair.slice(0, pair.indexOf('='));
    const attribute = (key) => attributes.find((a) => a.toLowerCase().startsWith(`${key}=`))?.slice(key.length + 1);
    const path = attribute('path')?.startsWith('/') ? attribute('path') : url.pathname.replace(/\/[^/]*$/, '') || '/';
    const maxAge = attribute('max-age');
    const expired = maxAge === undefined ? Date.parse(attribute('expires') ?? '') <= Date.now() : Number(maxAge) <= 0;
    const key = [url.hostname, path, name].join(' ');
    if (expired) jar.delete(key);
    else jar.set(key, { host: url.hostname, path, pair });
  }
}

function cookiesFor(url) {
  const inPath = (path) => url.pathname === path || url.pathname.startsWith(path.endsWith('/') ? path : `${path}/`);
  return [...jar.values()]
    .filter((cookie) => cookie.host === url.hostname && inPath(cookie.path))
    .sort((a, b) => b.path.length - a.path.length)
    .map((cookie) => cookie.pair)
    .join('; ');
}

const ENTITIES = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'", '#39': "'", '#x27': "'", '#x2F': '/', '#47': '/' };
const unescape = (text) => text.replace(/&(#?\w+);/g, (whole, name) => ENTITIES[name] ?? whole);

function attributesOf(tag) {
  const found = {};
  for (const [, name, a, b, c] of tag.matchAll(/([\w-]+)(?:\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s>]+)))?/g)) {
    found[name.toLowerCase()] ??= unescape(a ?? b ?? c ?? '');
  }
  return found;
}

// The first form of a page, filled in, as the request a click on its button sends.
function submitForm(page, html) {
  const form = /<form\b([^>]*)>([\s\S]*?)<\/form>/i.exec(html);
  if (!form) return undefined;
  const { action, method } = attributesOf(form[1]);
  const fields = new URLSearchParams();
  for (const [, tag] of form[2].matchAll(/<input\b([^>]*)>/gi)) {
    const { name, type = 'text', value = '', ...flags } = attributesOf(tag);
    if (!name || ['submit', 'button', 'reset', 'image', 'file'].includes(type)) continue;
    if (['checkbox', 'radio'].includes(type) && !('checked' in flags)) continue;
    const typed = ['text', 'email', 'password'].includes(type);
    fields.append(name, typed ? value || login : value);
  }
  const url = new URL(action || page.href, page);
  if (method?.toLowerCase() === 'post') return { url, body: fields };
  url.search = fields;
  return { url };
}

let start;
try {
  start = new URL(process.argv[2]);
} catch {
  fail('usage: node browser.mjs URL');
}

let request = { url: start };
for (let step = 0; step < MAX_STEPS; step++) {
  const { url, body } = request;
  checkLoopback(url);
  const atCallback = step > 0 && url.port !== start.port && url.pathname.endsWith('/callback');
  let response;
  try {
    response = await fetch(url, {
      method: body ? 'POST' : 'GET',
      body,
      headers: { accept: 'text/html', cookie: cookiesFor(url) },
      redirect: 'manual',
      signal: AbortSignal.timeout(20_000),
    });
  } catch (error) {
    fail(`${shown(url)}: ${error.cause?.message ?? error.message}`);
  }
  if (atCallback) {
    await response.arrayBuffer(); // hang up only after the whole answer
    if (!response.ok) fail(`callback ${shown(url)} answered ${response.status}`);
    process.exit(0);
  }
  keepCookies(url, response);

  const location = response.headers.get('location');
  if (response.status >= 300 && response.status < 400 && location) {
    const target = new URL(location, url);
    if (!['http:', 'https:'].includes(target.protocol)) {
      // A custom scheme: the operating system would hand it to the application.
      console.log(target.href);
      process.exit(0);
    }
    // 307 and 308 repeat the request, the others turn it into a GET.
    request = { url: target, body: [307, 308].includes(response.status) ? body : undefined };
    continue;
  }

  const html = await response.text();
  if (!response.ok) fail(`${shown(url)} answered ${response.status}: ${html.replace(/<style[\s\S]*?<\/style>|<[^>]*>/g, ' ').replace(/\s+/g, ' ').trim().slice(0, 300)}`);
  request = submitForm(url, html) ?? fail(`${shown(url)} has neither a redirect nor a form`);
}
fail(`no callback after ${MAX_STEPS} steps`);
