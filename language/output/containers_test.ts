import { assertEquals } from "@std/assert";
import { ownerOf } from "./containers.ts";

const ID = "4f66ad9a0b2e9c8f5d7b3a1c6e8d0f2a4b6c8e0d1f3a5b7c9d1e3f5a7b9c1d3e";
const SHORT = ID.slice(0, 12);
const POD = "0c1d2e3f-4a5b-6c7d-8e9f-0a1b2c3d4e5f";

Deno.test("ownerOf() finds containers and pods of each runtime", () => {
  const owners: Readonly<Record<string, [container: string, pod: string]>> = {
    [`/system.slice/docker-${ID}.scope`]: [SHORT, ""],
    [`/docker/${ID}`]: [SHORT, ""],
    [`/machine.slice/libpod-${ID}.scope/container`]: [SHORT, ""],
    [`/user.slice/user-1000.slice/user@1000.service/user.slice/libpod-${ID}.scope`]: [SHORT, ""],
    [
      `/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod${
        POD.replaceAll("-", "_")
      }.slice/cri-containerd-${ID}.scope`
    ]: [SHORT, POD],
    [`/kubepods/besteffort/pod${POD}/${ID}`]: [SHORT, POD],
    [`/kubepods.slice/kubepods-pod${POD.replaceAll("-", "_")}.slice/crio-${ID}.scope`]: [
      SHORT,
      POD,
    ],
    [`/kubepods/pod${POD}`]: ["", POD],
    "/machine.slice/machine-web\\x2d1.scope/payload": ["web-1", ""],
    "/machine.slice/systemd-nspawn@db.service": ["db", ""],
    "/lxc/box": ["box", ""],
    "/lxc.payload.box/init.scope": ["box", ""],
    "/system.slice/nginx.service": ["", ""],
    "/": ["", ""],
    [`/system.slice/docker-${ID.slice(1)}.scope`]: ["", ""],
  };
  for (const [path, [container, pod]] of Object.entries(owners)) {
    const found = ownerOf(path);
    assertEquals([path, found.container, found.pod], [path, container, pod]);
  }
});
