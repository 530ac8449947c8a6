// compare.mjs FOLDER: runs Hugging Face's tokenizer over FOLDER/lines.txt, and
// compares with FOLDER/ids.txt.  Prints differences by reason; exits with 1 if
// any has none.
import fs from 'node:fs';
import path from 'node:path';
import {Tokenizer} from '@huggingface/tokenizers';

const [folder] = process.argv.slice(2);
const maxPrinted = 4;  // of each reason
const npasses = 2;

function readLines(name) {
  return fs.readFileSync(path.join(folder, name), 'utf8').split('\n').slice(0, -1);
}

const json = JSON.parse(fs.readFileSync(path.join(folder, 'tokenizer.json'), 'utf8'));
const tokenizer = new Tokenizer(json, {tokenizer_class: 'BertTokenizer'});
const encode = line => tokenizer.encode(line).ids;
const lines = readLines('lines.txt');
const ours = readLines('ids.txt');

// A rewriting after which they do as we do with the line as it is.
const reasons = [
  {
    name: 'special-token text',
    rewrite: line => json.added_tokens.reduce((text, {content}) =>
      text.replaceAll(content, `[ ${content.slice(1, -1)} ]`), line),
  },
  {
    name: 'final sigma',
    rewrite: line => json.normalizer.lowercase ? line.replaceAll('\u03a3', '\u03c3') : line,
  },
  {
    name: 'ideograph past U+FFFF',
    rewrite: line => line.replace(
      /[\u{20000}-\u{2a6df}\u{2a700}-\u{2b81f}\u{2b920}-\u{2ceaf}\u{2f800}-\u{2fa1f}]/gu, ' $& '),
  },
];

function explain(line, ids) {
  const names = [];
  let text = line;
  for (const {name, rewrite} of reasons) {
    const rewritten = rewrite(text);
    if (rewritten !== text) names.push(name);
    text = rewritten;
  }
  return names.length > 0 && encode(text).join(' ') === ids ? names.join(' and ') : null;
}

// What cannot be seen, as \u{...}.
function printable(line) {
  return line.replace(/[^\p{L}\p{N}\p{P}\p{S} ]/gu, c => `\\u{${c.codePointAt(0).toString(16)}}`).slice(0, 200);
}

let theirs = [];
let bestMs = Infinity;
for (let pass = 0; pass < npasses; pass++) {
  const startMs = performance.now();
  theirs = lines.map(encode);
  bestMs = Math.min(bestMs, performance.now() - startMs);
}
const nids = theirs.reduce((n, ids) => n + ids.length, 0);
console.log(`theirs: ${String(nids).padStart(9)} ids, ${(nids / bestMs / 1e3).toFixed(2).padStart(6)} M ids/s` +
  ` (Unicode ${process.versions.unicode})`);

if (ours.length !== lines.length) throw Error(`${lines.length} lines, but ${ours.length} of ids`);
const counts = new Map();
lines.forEach((line, i) => {
  const ids = theirs[i].join(' ');
  if (ids === ours[i]) return;
  const reason = explain(line, ours[i]) ?? 'NO REASON';
  counts.set(reason, (counts.get(reason) ?? 0) + 1);
  if (counts.get(reason) <= maxPrinted)
    console.log(`line ${i + 1}: ${reason}: ${printable(line)}`);
  if (reason === 'NO REASON' && counts.get(reason) <= maxPrinted)
    console.log(`  ours   ${ours[i].slice(0, 300)}\n  theirs ${ids.slice(0, 300)}`);
});
const ndiffering = [...counts.values()].reduce((a, b) => a + b, 0);
console.log(`${lines.length - ndiffering} of ${lines.length} lines have the same ids`);
for (const [reason, n] of counts) console.log(`${String(n).padStart(7)} differ: ${reason}`);
if (counts.has('NO REASON')) process.exit(1);
