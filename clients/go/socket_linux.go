package keybearer

import (
	"cmp"
	"context"
	"fmt"
	"hash/fnv"
	"net"
	"os"
	"path/filepath"
	"syscall"
)

func init() { reach = connect }

// connect reaches the agent's socket. It, its folder and whoever serves it must be this user's alone.
func connect(ctx context.Context) (net.Conn, error) {
	socket := filepath.Join(place(), "programs", "agent.v1.sock")
	connected, err := new(net.Dialer).DialContext(ctx, "unix", socket)
	if err != nil {
		return nil, unreachable("nobody listens at "+socket, "keybearer agent start")
	}
	isOurs := filepath.IsAbs(socket) && isPrivate(filepath.Dir(socket), os.ModeDir) && isPrivate(socket, os.ModeSocket)
	if !isOurs || !servesAsUs(connected) {
		connected.Close()
		return nil, unreachable(socket+" isn't this user's alone, so nothing was said there", "keybearer doctor")
	}
	return connected, nil
}

// place is the base folder of the sockets.
func place() string {
	folder := runtimeFolder()
	base := cmp.Or(os.Getenv("KEYBEARER_SOCKET"), filepath.Join(folder, "keybearer"))
	if home := os.Getenv("KEYBEARER_HOME"); home != "" && os.Getenv("KEYBEARER_SOCKET") == "" {
		base = filepath.Join(home, "run")
	}
	// The path of a socket holds 103 bytes.
	if longest := filepath.Join(base, "gateway", "gateway-http.v1.sock"); len(longest) > 103 {
		hash := fnv.New64a()
		hash.Write([]byte(longest))
		base = filepath.Join(folder, fmt.Sprintf("keybearer-%016x", hash.Sum64()))
	}
	return base
}

func runtimeFolder() string {
	for _, folder := range []string{os.Getenv("XDG_RUNTIME_DIR"), fmt.Sprintf("/run/user/%d", os.Geteuid())} {
		// After `su` or `sudo` the variable may still name another user's folder.
		if isPrivate(folder, os.ModeDir) {
			return folder
		}
	}
	return filepath.Join(os.Getenv("HOME"), ".local/state/keybearer/run")
}

// isPrivate tells whether this is this user's, and nobody else can change it.
func isPrivate(path string, kind os.FileMode) bool {
	found, err := os.Lstat(path)
	return err == nil && found.Mode().Type() == kind && found.Mode().Perm()&0o022 == 0 &&
		int(found.Sys().(*syscall.Stat_t).Uid) == os.Geteuid()
}

// servesAsUs tells whether the process at the other end runs as this user.
func servesAsUs(connected net.Conn) (is bool) {
	socket, err := connected.(*net.UnixConn).SyscallConn()
	return err == nil && socket.Control(func(descriptor uintptr) {
		peer, err := syscall.GetsockoptUcred(int(descriptor), syscall.SOL_SOCKET, syscall.SO_PEERCRED)
		is = err == nil && int(peer.Uid) == os.Geteuid()
	}) == nil && is
}
