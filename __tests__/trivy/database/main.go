// Makes a vulnerability database for tests, as Trivy reads one (bbolt, schema 2): `main OUT` writes OUT/trivy.db.
// Every vulnerability in it is made up. Packages whose names begin with "made-up" are in no distribution: an image has
// them by a file below /var/lib/dpkg/status.d or a dist-info folder.
package main

import (
	"encoding/json"
	"log"
	"os"
	"path/filepath"

	bolt "go.etcd.io/bbolt"
)

type object = map[string]any

// Severities as the database counts them.
const (
	low      = 1
	medium   = 2
	high     = 3
	critical = 4
)

// Statuses of an advisory without a fixed version (trivy-db, types.Status).
const (
	affected   = 2
	willNotFix = 5
)

type entry struct {
	id, bucket, pkg string
	severity        int
	advisory        object
	title           string
	score           float64
}

const debian, pip = "debian 12", "pip::GitHub Security Advisory Pip"

var entries = []entry{
	// In the stand-in base image.
	{"CVE-2026-0001", debian, "glibc", high, object{"FixedVersion": "2.36-9+deb12u99"}, "glibc: a made-up overflow", 7.5},
	{"CVE-2026-0002", debian, "bash", low, object{"Status": affected}, "bash: a made-up wrong prompt", 2.1},
	{"CVE-2026-0003", debian, "python3.11", medium, object{"Status": willNotFix}, "python3.11: a made-up slow loop", 5.3},
	// In images that want to be found out.
	{"CVE-2026-1001", debian, "made-up-critical", critical, object{"FixedVersion": "2.0-1"}, "made-up-critical: remote code execution", 9.8},
	{"CVE-2026-1002", debian, "made-up-unfixed", critical, object{"Status": affected}, "made-up-unfixed: remote code execution", 9.1},
	{"CVE-2026-1003", pip, "made-up-wheel", critical, object{"PatchedVersions": []string{"2.0"}, "VulnerableVersions": []string{"<2.0"}}, "made-up-wheel: reads any file", 9.0},
	{"CVE-2026-1004", pip, "made-up-unfixed-wheel", high, object{"VulnerableVersions": []string{">=1.0"}}, "made-up-unfixed-wheel: leaks memory", 7.1},
}

var sources = map[string]object{
	debian: {"ID": "debian", "Name": "Debian Security Tracker", "URL": "https://salsa.debian.org/security-tracker-team/security-tracker"},
	pip:    {"ID": "ghsa", "Name": "GitHub Security Advisory Pip", "URL": "https://github.com/advisories?query=type%3Areviewed+ecosystem%3Apip"},
}

func main() {
	if len(os.Args) != 2 {
		log.Fatal("usage: main OUT")
	}
	db, err := bolt.Open(filepath.Join(os.Args[1], "trivy.db"), 0o644, nil)
	check(err)
	check(db.Update(fill))
	check(db.Close())
}

func fill(tx *bolt.Tx) error {
	for bucket, source := range sources {
		put(tx, source, "data-source", bucket)
	}
	for _, e := range entries {
		put(tx, e.advisory, e.bucket, e.pkg, e.id)
		vendor := "debian"
		if e.bucket == pip {
			vendor = "ghsa"
		}
		put(tx, object{
			"Title":          e.title,
			"Description":    e.title + ". It is made up for tests.",
			"VendorSeverity": object{vendor: e.severity, "nvd": e.severity},
			"CVSS":           object{"nvd": object{"V3Score": e.score}},
			"CweIDs":         []string{"CWE-787"},
			"References":     []string{"https://example.com/" + e.id},
		}, "vulnerability", e.id)
	}
	return nil
}

// put writes a value under the last of the names; those before it are buckets.
func put(tx *bolt.Tx, value object, names ...string) {
	bucket, err := tx.CreateBucketIfNotExists([]byte(names[0]))
	check(err)
	for _, name := range names[1 : len(names)-1] {
		bucket, err = bucket.CreateBucketIfNotExists([]byte(name))
		check(err)
	}
	bytes, err := json.Marshal(value)
	check(err)
	check(bucket.Put([]byte(names[len(names)-1]), bytes))
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
