//go:build !linux

package kernel

import "logctl/store"

func openDevice() (device, error) {
	return nil, store.NewError(store.KindNotImplemented, "there is no /dev/kmsg on this system")
}
