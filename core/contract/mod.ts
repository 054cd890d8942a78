// Pure: no I/O, no FFI.
// The contract between the device and its providers, whole.

export type {
  Attachment,
  AttachType,
  KernelAttachment,
  Pulled,
  Selector,
  TickCounter,
  UserAttachment,
  UserHost,
} from "./attachment.ts";
export type { CaptureKind, CaptureRequest, State } from "./capture.ts";
export type { ContextLayout, Location, UserOperand } from "./context.ts";
export type {
  ActionSite,
  KernelAction,
  NamespaceId,
  OutputSite,
  RecordOutput,
} from "./kernel_action.ts";
export { OUTCOME, type Outcome } from "./outcome.ts";
export type { Pcb } from "./pcb.ts";
export type { ArgumentSpec, Probe, ProbeCode, ProbeSpec } from "./probe.ts";
export {
  type PlaneName,
  type Provider,
  PROVIDER_CONTRACT,
  type ProviderSession,
} from "./provider.ts";
export type {
  Action,
  CgroupFilter,
  EnableRequest,
  EventFilter,
  IdFilter,
  TreeFilter,
} from "./request.ts";
export type { HeldChild, Target } from "./target.ts";
export type { UserAction, UserEvent, UserSite, UserThread } from "./user_action.ts";
