// Makes every call of Agones' official client once and prints what each gave, as JSON.
"use strict";

const AgonesSDK = require("@google-cloud/agones-sdk");

const told = {};

async function call(name, made) {
	try {
		const value = await made();
		told[name] = value === undefined ? null : value;
	} catch (error) {
		told[name] = { error: error.code, details: error.details };
	}
}

function until(holds) {
	return new Promise((resolve) => {
		const timer = setInterval(() => {
			if (holds()) {
				clearInterval(timer);
				resolve();
			}
		}, 5);
	});
}

async function main() {
	const sdk = new AgonesSDK();
	await sdk.connect();

	const watched = [];
	sdk.watchGameServer((server) => watched.push(server), () => {});
	await until(() => watched.length > 0);

	await call("ready", () => sdk.ready());
	await call("health", () => sdk.health());
	await call("setLabel", () => sdk.setLabel("map", "hills"));
	await call("setLabel, refused", () => sdk.setLabel("map", "no label!"));
	await call("setAnnotation", () => sdk.setAnnotation("motd", "come in!"));
	await call("reserve", () => sdk.reserve(60));
	await call("reserved", async () => (await sdk.getGameServer()).status.state);
	await call("allocate", () => sdk.allocate());

	const beta = sdk.beta;
	await call("getCounterCount", () => beta.getCounterCount("rooms"));
	await call("incrementCounter", () => beta.incrementCounter("rooms", 9));
	await call("incrementCounter, refused", () => beta.incrementCounter("rooms", 1));
	await call("decrementCounter", () => beta.decrementCounter("rooms", 7));
	await call("setCounterCount", () => beta.setCounterCount("rooms", 8));
	await call("setCounterCapacity", () => beta.setCounterCapacity("rooms", 5));
	await call("getCounterCapacity", () => beta.getCounterCapacity("rooms"));
	await call("getCounterCount, cut", () => beta.getCounterCount("rooms"));
	await call("getCounterCount, refused", () => beta.getCounterCount("none"));

	await call("listContains", () => beta.listContains("players", "test1"));
	await call("getListLength", () => beta.getListLength("players"));
	await call("appendListValue", () => beta.appendListValue("players", "test3"));
	await call("appendListValue, refused", () => beta.appendListValue("players", "test3"));
	await call("deleteListValue", () => beta.deleteListValue("players", "test2"));
	await call("deleteListValue, refused", () => beta.deleteListValue("players", "test2"));
	await call("getListValues", () => beta.getListValues("players"));
	await call("setListCapacity", () => beta.setListCapacity("players", 2));
	await call("getListCapacity", () => beta.getListCapacity("players"));
	await call("getListValues, cut", () => beta.getListValues("players"));

	const alpha = sdk.alpha;
	await call("playerConnect", () => alpha.playerConnect("p1"));
	await call("playerDisconnect", () => alpha.playerDisconnect("p1"));
	await call("setPlayerCapacity", () => alpha.setPlayerCapacity(10));
	await call("getPlayerCapacity", () => alpha.getPlayerCapacity());
	await call("getPlayerCount", () => alpha.getPlayerCount());
	await call("isPlayerConnected", () => alpha.isPlayerConnected("p1"));
	await call("getConnectedPlayers", () => alpha.getConnectedPlayers());

	await call("getGameServer", () => sdk.getGameServer());
	await call("shutdown", () => sdk.shutdown());
	const state = () => watched[watched.length - 1].status.state;
	await until(() => state() === "Shutdown");
	told.watched = watched.map((server) => server.status.state);

	sdk.close();
	console.log(JSON.stringify(told));
	process.exit(0);
}

setTimeout(() => {
	console.log(JSON.stringify(told));
	process.exit(1);
}, 20000);
main();
