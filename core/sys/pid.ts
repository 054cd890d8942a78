// Numbers of processes.

/** Highest number that any kernel gives to a process: PID_MAX_LIMIT of 64-bit machines. */
export const PID_MAX_LIMIT = 4_194_304;
