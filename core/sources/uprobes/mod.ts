// What providers share of places in files: one program at all of them, and operands of static probes.

export { type FilePlace, type UprobeAttachment, uprobeAttachment } from "./attach.ts";
export { type Operand, type OperandContext, parseOperands } from "./operands.ts";
export {
  type FileProbe,
  fileProbeArguments,
  fileProbeAttachments,
  fileProbePcbs,
} from "./file_probes.ts";
