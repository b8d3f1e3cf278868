/** Identifiers, feature bits and register layouts of virtio [VIRTIO] Virtual I/O Device 1.2. */

// Device types [VIRTIO 5]
export const VIRTIO_ID_NET = 1, VIRTIO_ID_BLOCK = 2, VIRTIO_ID_CONSOLE = 3, VIRTIO_ID_RNG = 4, VIRTIO_ID_9P = 9;

// Device status [VIRTIO 2.1]
export const STATUS_ACKNOWLEDGE = 1, STATUS_DRIVER = 2, STATUS_DRIVER_OK = 4, STATUS_FEATURES_OK = 8, STATUS_NEEDS_RESET = 64;

// Features of all devices [VIRTIO 6]; the first is of the legacy interface only
export const F_ANY_LAYOUT = 1n << 27n, F_INDIRECT_DESC = 1n << 28n, F_EVENT_IDX = 1n << 29n, F_VERSION_1 = 1n << 32n;

// Split virtqueues [VIRTIO 2.7]
export const DESC_SIZE = 16, DESC_F_NEXT = 1, DESC_F_WRITE = 2, DESC_F_INDIRECT = 4;
export const AVAIL_F_NO_INTERRUPT = 1;
/** Alignment of the used ring in the legacy interface's layout. */
export const LEGACY_ALIGN = 4096;

export const ISR_QUEUE = 1, ISR_CONFIG = 2;
/** What a vector register holds while there is none. */
export const NO_VECTOR = 0xffff;

// Common configuration of the PCI transport [VIRTIO 4.1.4.3]
export const COMMON_DFSELECT = 0x00, COMMON_DF = 0x04, COMMON_GFSELECT = 0x08, COMMON_GF = 0x0c, COMMON_MSIX = 0x10;
export const COMMON_NUMQ = 0x12, COMMON_STATUS = 0x14, COMMON_CFGGENERATION = 0x15, COMMON_Q_SELECT = 0x16;
export const COMMON_Q_SIZE = 0x18, COMMON_Q_MSIX = 0x1a, COMMON_Q_ENABLE = 0x1c, COMMON_Q_NOFF = 0x1e;
export const COMMON_Q_DESC = 0x20, COMMON_Q_AVAIL = 0x28, COMMON_Q_USED = 0x30, COMMON_SIZE = 0x38;

// Capabilities of the PCI transport [VIRTIO 4.1.4]
export const CAP_COMMON = 1, CAP_NOTIFY = 2, CAP_ISR = 3, CAP_DEVICE = 4, CAP_PCI = 5;

// The legacy interface's ports [VIRTIO 4.1.4.10]
export const LEGACY_HOST_FEATURES = 0x00, LEGACY_GUEST_FEATURES = 0x04, LEGACY_QUEUE_PFN = 0x08, LEGACY_QUEUE_SIZE = 0x0c;
export const LEGACY_QUEUE_SELECT = 0x0e, LEGACY_QUEUE_NOTIFY = 0x10, LEGACY_STATUS = 0x12, LEGACY_ISR = 0x13;
export const LEGACY_CONFIG_VECTOR = 0x14, LEGACY_QUEUE_VECTOR = 0x16, LEGACY_CONFIG = 0x14, LEGACY_CONFIG_MSIX = 0x18;

// The MMIO transport [VIRTIO 4.2.2]
export const MMIO_MAGIC = 0x000, MMIO_VERSION = 0x004, MMIO_DEVICE_ID = 0x008, MMIO_VENDOR_ID = 0x00c;
export const MMIO_DEVICE_FEATURES = 0x010, MMIO_DEVICE_FEATURES_SEL = 0x014, MMIO_DRIVER_FEATURES = 0x020;
export const MMIO_DRIVER_FEATURES_SEL = 0x024, MMIO_QUEUE_SEL = 0x030, MMIO_QUEUE_NUM_MAX = 0x034, MMIO_QUEUE_NUM = 0x038;
export const MMIO_QUEUE_READY = 0x044, MMIO_QUEUE_NOTIFY = 0x050, MMIO_INTERRUPT_STATUS = 0x060, MMIO_INTERRUPT_ACK = 0x064;
export const MMIO_STATUS = 0x070, MMIO_QUEUE_DESC = 0x080, MMIO_QUEUE_DRIVER = 0x090, MMIO_QUEUE_DEVICE = 0x0a0;
export const MMIO_CONFIG_GENERATION = 0x0fc, MMIO_CONFIG = 0x100, MMIO_SIZE = 0x200;
export const MMIO_MAGIC_VALUE = 0x74726976, MMIO_VERSION_VALUE = 2, MMIO_VENDOR_VALUE = 0x554d4551;
