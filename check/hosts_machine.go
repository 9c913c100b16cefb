package check

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/rcwizard/rcwizard/workspace"
)

func (j *hostJudge) machine() {
	s := j.seen
	switch s.Machine {
	case "x86_64", "aarch64":
		j.find("architecture", Pass, "architecture-fits", "machine", s.Machine)
	case "":
		j.find("architecture", Unknown, "architecture-unknown")
	default:
		j.find("architecture", Fail, "architecture-unfit", "machine", s.Machine)
	}
	var missing []string
	for _, tool := range NeededTools() {
		if !s.Tools[tool] {
			missing = append(missing, tool)
		}
	}
	switch {
	case len(s.Tools) == 0:
		j.find("tools", Unknown, "tools-unknown")
	case len(missing) > 0:
		j.find("tools", Fail, "tools-missing", "tools", strings.Join(missing, ", "))
	default:
		j.find("tools", Pass, "tools-there")
	}
}

func (j *hostJudge) processor() {
	s := j.seen
	if j.w.RunsMongoDB() && j.w.Database.Host == j.host.Name {
		version := or(j.w.Database.MongoDBVersion, "5.0 and later")
		switch {
		case s.Machine != "" && s.Machine != "x86_64":
			j.find("avx", Pass, "avx-not-needed", "machine", s.Machine)
		case s.AVX == Yes && s.Machine != "":
			j.find("avx", Pass, "avx-there", "version", version)
		case s.AVX == No && s.Machine != "":
			j.find("avx", Fail, "avx-missing", "version", version)
		default:
			j.find("avx", Unknown, "avx-unknown", "version", version)
		}
	}
	n := len(j.w.InstancesOn(j.host.Name))
	pairs := []string{"cores", plural(s.CPUs, "core"), "instances", plural(n, "instance"), "advised", plural(max(1, s.CPUs-1), "instance")}
	switch {
	case s.CPUs <= 0:
		j.find("cores", Unknown, "cores-unknown", pairs...)
	case n > max(1, s.CPUs-1):
		j.find("cores", Warn, "cores-few", pairs...)
	default:
		j.find("cores", Pass, "cores-enough", pairs...)
	}
}

const mib = int64(1) << 20

// memoryNeed is what the host's roles are advised to have, in bytes: MongoDB
// 1 GiB, NATS and the exporters 128 MiB, monitoring 512 MiB, each instance
// 1 GiB, the proxy 128 MiB, and 256 MiB for the system.
func memoryNeed(w workspace.Workspace, host string) int64 {
	need := 256 * mib
	if w.RunsDatabaseHost() && w.Database.Host == host {
		if w.RunsMongoDB() {
			need += 1024 * mib
		}
		if w.RunsNATS() {
			need += 128 * mib
		}
		if w.RunsMonitoring() {
			need += 512 * mib
		}
	}
	need += int64(len(w.InstancesOn(host))) * 1024 * mib
	if w.Proxy.Host == host {
		need += 128 * mib
	}
	return need
}

// memoryTolerance is how much a host may lack, in per cent: of the 2 GB that a
// cloud sells, the kernel shows 1.9.
const memoryTolerance = 10

func (j *hostJudge) memory() {
	need, have := memoryNeed(j.w, j.host.Name), j.seen.MemoryTotal
	pairs := []string{"need", size(need), "have", size(have)}
	switch {
	case have <= 0:
		j.find("memory", Unknown, "memory-unknown", pairs...)
	case have < need/2:
		j.find("memory", Fail, "memory-short", pairs...)
	case have < need/100*(100-memoryTolerance):
		j.find("memory", Warn, "memory-tight", pairs...)
	default:
		j.find("memory", Pass, "memory-enough", pairs...)
	}
}

// What must stay free beside the images.
const (
	directoryNeed  = 64 * mib
	databaseSpare  = 5 * 1024 * mib // MongoDB's files grow; it stops when the disk is full
	otherSpare     = 1024 * mib     // logs
	inodesPerImage = 200_000        // the files of Rocket.Chat's image, unpacked, and room beside
)

func (j *hostJudge) disks() {
	d := j.seen.Disk
	pairs := []string{"directory", j.w.Directory, "mount", d.Mount, "free", size(d.Free), "need", size(directoryNeed)}
	switch {
	case d.Size <= 0:
		j.find("disk", Unknown, "disk-unknown", pairs...)
	case d.Free < directoryNeed:
		j.find("disk", Fail, "disk-full", pairs...)
	default:
		j.find("disk", Pass, "disk-free", pairs...)
	}

	d = j.seen.DockerDisk
	spare := otherSpare
	if j.w.RunsMongoDB() && j.w.Database.Host == j.host.Name {
		spare = databaseSpare
	}
	need := j.seen.ImageBytes
	images := "no image is missing"
	if need > 0 {
		images = "for the images that are still missing rcwizard reckons with " + size(need) + ", an estimate, as registries do not tell"
	}
	pairs = []string{
		"mount", d.Mount, "free", size(d.Free), "images", images, "spare", size(spare),
		"inodes", strconv.FormatInt(d.InodesFree, 10),
	}
	switch {
	case d.Size <= 0:
		j.find("docker-disk", Unknown, "docker-disk-unknown", pairs...)
	case !j.seen.ImageKnown:
		j.find("docker-disk", Unknown, "docker-disk-images-unknown", pairs...)
	case d.Free < need:
		j.find("docker-disk", Fail, "docker-disk-full", pairs...)
	case d.Free-need < spare:
		j.find("docker-disk", Warn, "docker-disk-tight", pairs...)
	case need > 0 && d.Inodes > 0 && d.InodesFree < inodesPerImage:
		j.find("docker-disk", Warn, "docker-disk-inodes", pairs...)
	default:
		j.find("docker-disk", Pass, "docker-disk-free", pairs...)
	}
}

func size(n int64) string {
	if n >= 1024*mib {
		return fmt.Sprintf("%.1f GiB", float64(n)/float64(1024*mib))
	}
	return fmt.Sprintf("%d MiB", n/mib)
}

// NeededTools are the programs that every host must have: tar and sha256sum, with
// which files arrive whole, and flock, which keeps two runs apart.
func NeededTools() []string { return []string{"tar", "sha256sum", "flock"} }
