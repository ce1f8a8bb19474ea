package main

import (
	"errors"
	"fmt"
	"strconv"
	"text/tabwriter"
	"time"
)

// report prints what each leg cost and proves that the file came back as it was sent. The proof has two halves: the two
// files have the same SHA-256, and the CRC64NVME that the library reports is the one computed here.
func (d *demo) report(sent, returned digests) error {
	fmt.Fprintln(d.out)
	w := tabwriter.NewWriter(d.out, 0, 0, 3, ' ', tabwriter.AlignRight)
	row := func(title string, cell func(leg) string) {
		fmt.Fprintf(w, "%s\t", title)
		for _, l := range d.legs {
			fmt.Fprintf(w, "%s\t", cell(l))
		}
		fmt.Fprintln(w)
	}
	row(formatBytes(int64(d.size)), func(l leg) string { return l.name })
	row("time", func(l leg) string { return seconds(l.usage.wall) })
	row("throughput", func(l leg) string { return formatBytes(int64(float64(d.size)/l.usage.wall.Seconds())) + "/s" })
	row("CPU of this process", func(l leg) string { return seconds(l.usage.cpu) })
	row("peak memory of this process", func(l leg) string { return measuredBytes(l.usage.peakRSS) })
	row("requests", func(l leg) string { return strconv.FormatInt(l.result.Requests, 10) })
	row("of these, retries", func(l leg) string { return strconv.FormatInt(l.result.ExtraRequests, 10) })
	if err := w.Flush(); err != nil {
		return err
	}
	fmt.Fprintf(d.out, "\nsent     SHA-256 %s\nreturned SHA-256 %s\n", sent.sha256, returned.sha256)
	err := d.proof(sent, returned)
	if err == nil {
		fmt.Fprintln(d.out, "The file came back the same.")
	}
	fmt.Fprintln(d.out, "The server ran on this machine and shared its processors and disk: no figure here is S3's.")
	return err
}

// proof is nil if all digests agree.
func (d *demo) proof(sent, returned digests) error {
	var faults []error
	if sent != returned {
		faults = append(faults, fmt.Errorf("the returned file differs: got %+v, want %+v", returned, sent))
	}
	for _, l := range d.legs {
		sum := l.result.Checksum
		fmt.Fprintf(d.out, "%-8s %s %s (%s)\n", l.name, sum.Algorithm, sum.Value, sum.How)
		if sum.Algorithm == "CRC64NVME" && sum.Value != sent.crc64nvme {
			faults = append(faults, fmt.Errorf("%s: checksum is %s, want %s", l.name, sum.Value, sent.crc64nvme))
		}
		if !sum.Validated {
			faults = append(faults, fmt.Errorf("%s: checksum was not validated: %s", l.name, sum.How))
		}
		if l.result.Size != int64(d.size) {
			faults = append(faults, fmt.Errorf("%s: moved %d bytes, want %d", l.name, l.result.Size, d.size))
		}
	}
	return errors.Join(faults...)
}

func seconds(d time.Duration) string {
	if d < 0 {
		return "not measured"
	}
	return strconv.FormatFloat(d.Seconds(), 'f', 2, 64) + " s"
}

func measuredBytes(n int64) string {
	if n < 0 {
		return "not measured"
	}
	return formatBytes(n)
}
