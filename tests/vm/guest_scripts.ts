// Scripts of tools/scripts whose probes only the virtual machine's kernel has, with what they must report.

/** A script that runs in the virtual machine. */
export interface GuestCase {
  /** Text that the script must print while files are read and written and a connection is made. */
  readonly expect: RegExp;
}

/** Cases by the names of the scripts. */
export const GUEST_CASES: Readonly<Record<string, GuestCase>> = {
  cachestat: { expect: /^\d\d:\d\d:\d\d +[1-9]\d* +\d+ +\d+ +\d+$/m },
  filetop: {
    expect:
      /@read_kb\[\d+, [^,]+, everyday-data\]: \d+[^]*@written_kb\[\d+, [^,]+, everyday-data\]: \d+/,
  },
  tcptop: { expect: /@sent\[\d+, \S+, \d+\]: 5[^]*@received\[\d+, \S+, \d+\]: 5/ },
  vfsstat: { expect: /^\d\d:\d\d:\d\d +[1-9]\d* +[1-9]\d* +\d+ +[1-9]\d* +\d+$/m },
};
