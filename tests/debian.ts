// Packages of Debian's archive, of any suite and for any machine, unpacked into a folder. Nothing is
// installed: apt's state lies in a temporary folder, and no package counts as installed there.

import { run } from "./command.ts";

/** Signs the archive's lists. */
const KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg";
/** Kinds of dependencies that a package works without. */
const WEAK = ["recommends", "suggests", "conflicts", "breaks", "replaces", "enhances"];

/** A suite of Debian's archive as one machine sees it; its lists are removed with the object. */
export class Archive implements Disposable {
  readonly #folder = Deno.makeTempDirSync();
  readonly #options: readonly string[];

  /**
   * Fetches the suite's lists from the mirror that this machine uses.
   *
   * @param suite Such as `trixie`.
   * @param machine Debian's name of the machine, such as `arm64`.
   * @throws {Error} The archive cannot be reached, or this machine is no Debian.
   */
  constructor(suite: string, machine: string) {
    try {
      for (const name of ["lists/partial", "cache/archives/partial"]) {
        Deno.mkdirSync(`${this.#folder}/${name}`, { recursive: true });
      }
      const sites = run("apt-get", ["indextargets", "--format", "$(SITE)"]).split("\n");
      const site = sites.find((line) => line !== "" && !line.includes("security"));
      const security = sites.find((line) => line.includes("debian-security"));
      if (site === undefined) throw new Error("apt-get indextargets names no archive");
      const source = (where: string, name: string) =>
        `deb [signed-by=${KEYRING} arch=${machine}] ${where} ${name} main\n`;
      Deno.writeTextFileSync(
        `${this.#folder}/sources.list`,
        source(site, suite) +
          (security === undefined || suite === "unstable"
            ? ""
            : source(security, `${suite}-security`)),
      );
      this.#options = [
        `Dir::Etc::SourceList=${this.#folder}/sources.list`,
        "Dir::Etc::SourceParts=/dev/null",
        `Dir::State::Lists=${this.#folder}/lists`,
        `Dir::Cache=${this.#folder}/cache`,
        "Dir::State::status=/dev/null",
        `APT::Architecture=${machine}`,
        `APT::Architectures=${machine}`,
        "APT::Sandbox::User=root",
      ].flatMap((option) => ["-o", option]);
      run("apt-get", [...this.#options, "-qq", "update"]);
    } catch (error) {
      this[Symbol.dispose]();
      throw error;
    }
  }

  /** Names of the packages that a package depends on; with those that these depend on, if asked. */
  dependencies(name: string, options: { recursive?: boolean } = {}): string[] {
    const how = options.recursive ? ["--recurse"] : [];
    const no = WEAK.map((kind) => `--no-${kind}`);
    const text = run("apt-cache", [...this.#options, "depends", ...how, ...no, name]);
    const pattern = options.recursive ? /^(\w\S*)$/gm : /^ +(?:Pre)?Depends: (\w\S*)$/gm;
    return [...new Set([...text.matchAll(pattern)].map(([, found]) => found))];
  }

  /** Unpacks packages into a folder; returns the names of their files, which tell the versions. */
  unpack(names: readonly string[], root: string): string[] {
    const packages = `${this.#folder}/packages`;
    Deno.mkdirSync(packages);
    try {
      run("apt-get", [...this.#options, "-qq", "download", ...names], { cwd: packages });
      const files = [...Deno.readDirSync(packages)].map((file) => file.name).sort();
      for (const file of files) run("dpkg-deb", ["-x", `${packages}/${file}`, root]);
      return files;
    } finally {
      Deno.removeSync(packages, { recursive: true });
    }
  }

  [Symbol.dispose](): void {
    Deno.removeSync(this.#folder, { recursive: true });
  }
}
