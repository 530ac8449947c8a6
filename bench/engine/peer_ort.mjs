// ONNX Runtime (onnxruntime-node) as a resident program: see resident.h.
//
//   node peer_ort.mjs NODE_MODULES MODELS_FOLDER MODEL GRAPH THREADS
import { readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { resolve } from "node:path";
import { createInterface } from "node:readline";

const [modules, folder, model, graph, threads] = process.argv.slice(2);
const ort = createRequire(resolve(modules, "x.js"))("onnxruntime-node");
const vocabulary = JSON.parse(readFileSync(`${folder}/${model}/config.json`)).vocab_size;

const session = await ort.InferenceSession.create(`${folder}/onnx/${model}-${graph}.onnx`, {
	intraOpNumThreads: Number(threads),
	interOpNumThreads: 1,
	executionMode: "sequential",
	graphOptimizationLevel: "all",
	logSeverityLevel: 3,
	extra: { session: { set_denormal_as_zero: "1" } },
});

const takesMask = session.inputNames.includes("attention_mask");

// Sequences b of lengths[b] tokens, padded to the longest.
function batch(sequences, lengths) {
	const width = Math.max(...sequences.map((b) => lengths[b]));
	const ids = new BigInt64Array(sequences.length * width);
	const mask = new BigInt64Array(ids.length);
	sequences.forEach((b, row) => {
		for (let l = 0; l < lengths[b]; l++) {
			ids[row * width + l] = BigInt((b * 104729 + l * 7919 + 13) % vocabulary);
			mask[row * width + l] = 1n;
		}
	});
	const size = [sequences.length, width];
	const tensors = { input_ids: new ort.Tensor("int64", ids, size) };
	if (takesMask) tensors.attention_mask = new ort.Tensor("int64", mask, size);
	return tensors;
}

function median(numbers) {
	const sorted = numbers.sort((a, b) => a - b);
	return (sorted[sorted.length >> 1] + sorted[(sorted.length - 1) >> 1]) / 2;
}

async function measure(batches, seconds) {
	const times = [];
	const start = process.hrtime.bigint();
	let end;
	do {
		const begin = process.hrtime.bigint();
		for (const one of batches) await session.run(one);
		end = process.hrtime.bigint();
		times.push(Number(end - begin) / 1e9);
	} while (Number(end - start) / 1e9 < seconds);
	return [median(times), times.length];
}

const range = (n) => [...Array(n).keys()];

let way;

const answers = {
	async run(sequences, length, seconds) {
		const lengths = Array(Number(sequences)).fill(Number(length));
		const [time, runs] = await measure([batch(range(lengths.length), lengths)], Number(seconds));
		return `${time.toFixed(9)} ${runs}`;
	},

	// By length, so that there is little to pad; the first call finds the way.
	async mixed(seconds, ...texts) {
		const lengths = texts.map(Number);
		const order = range(lengths.length).sort((a, b) => lengths[a] - lengths[b]);
		const batches = (size) =>
			range(Math.ceil(order.length / size)).map((i) => batch(order.slice(i * size, (i + 1) * size), lengths));
		if (way === undefined) {
			let best = Infinity;
			await measure(batches(1), 0); // the first time is slower
			for (const size of takesMask ? [1, 2, 4, 8] : [1]) {
				const [time] = await measure(batches(size), 0);
				if (time < best) [best, way] = [time, size];
			}
		}
		const [time, runs] = await measure(batches(way), Number(seconds));
		return `${time.toFixed(9)} ${runs} ${way} at once`;
	},

	async dump(sequences, length, path) {
		const lengths = Array(Number(sequences)).fill(Number(length));
		const { data } = (await session.run(batch(range(lengths.length), lengths))).embedding;
		writeFileSync(path, Buffer.from(data.buffer, data.byteOffset, data.byteLength));
		return "0 1";
	},
};

console.log(`ready ${graph}`);
for await (const line of createInterface({ input: process.stdin })) {
	const [name, ...values] = line.trim().split(" ");
	try {
		console.log("ok " + (await answers[name](...values)));
	} catch (error) {
		console.log("error " + String(error).replaceAll("\n", " "));
	}
}
process.exit(0);
