// Logs of kinds that the fixtures do not have: an hour of an upgrade, and very many findings.

const line = (time, node, rest) =>
  `${time.toISOString().slice(0, 19)}Z ${node} kernel: HARVESTER_DROP_IN=mgmt-br OUT= MAC= ${rest} URGP=0 \n`;
const packet = (src, dst, spt, dpt, flags) =>
  `SRC=${src} DST=${dst} LEN=60 TOS=0x00 PREC=0x00 TTL=64 ID=1 DF PROTO=TCP SPT=${spt} DPT=${dpt} WINDOW=64240 RES=0x00 ${flags}`;

const BEGIN = Date.UTC(2026, 3, 22, 10);
const at = (seconds) => new Date(BEGIN + 1000 * seconds);

/** An hour in which three nodes go down in turn for five of each twelve minutes, under the limit of ten lines a minute. */
export const upgradeHour = () => {
  const lines = [];
  for (let node = 1; node <= 3; node += 1) {
    for (let second = 6 * node; second < 3600; second += 6) {
      const down = 1 + (Math.floor(second / 720) % 3);
      const isUpgrade = second % 720 < 300;
      if (down === node || !(isUpgrade || second % 42 === 0)) continue;
      const service = [6443, 9345, 10250, 2379, 2380][(second / 6 + node) % 5];
      const flags = ["ACK PSH", "ACK", "ACK FIN", "RST", "ACK RST"][(second / 6) % 5];
      const drop = packet(`192.168.122.6${down}`, `192.168.122.6${node}`, service, 32768 + second * 7, flags);
      lines.push([second, line(at(second), `harvester${node}`, drop)]);
    }
    // Down at 0, 720 and 1440 seconds, and up again 300 seconds later; a worker's port stays closed behind it.
    const up = 720 * (node - 1) + 300;
    lines.push([up, `${at(up).toISOString()} harvester${node} kernel: Linux version 6.4.0-150600 (gcc) #1 SMP\n`]);
    for (let second = up + 60; second < 3600; second += 300) {
      lines.push([second, line(at(second), `harvester${node}`, packet("192.168.122.70", `192.168.122.6${node}`, 40000 + second, 9796, "SYN"))]);
    }
  }
  return lines.sort(([one], [two]) => one - two).map(([, text]) => text).join("");
};

const PORTS = [22, 443, 2112, 2379, 2380, 6443, 6444, 8181, 8443, 8472, 9091, 9345, 9796, 10250, 10256, 10257, 10259, 3260, 5900, 30000];

/** A log with a finding for each of 20 ports on each node. */
export const manyFindings = (number) => {
  let log = "";
  for (let n = 0; n < number; n += 1) {
    const node = Math.floor(n / PORTS.length);
    const dst = `10.1.${Math.floor(node / 250)}.${(node % 250) + 1}`;
    for (const peer of [0, 1]) {
      const src = `10.1.${Math.floor(node / 250)}.${((node + 1 + peer) % 250) + 1}`;
      log += line(at(n / 20), `node${node + 1}`, packet(src, dst, 40000 + peer, PORTS[n % PORTS.length], "SYN"));
    }
  }
  return log;
};
