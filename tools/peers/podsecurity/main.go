// Judges pods with the library that Kubernetes' admission of pods is made of. Reads names of YAML files, one pod each,
// from standard input, and prints a line for each file and each release named as an argument (37 for 1.37): the file, the
// release, and the names of the checks that the pod breaks, none left out for another.
package main

import (
	"bufio"
	"fmt"
	"log"
	"os"
	"sort"
	"strconv"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/pod-security-admission/api"
	"k8s.io/pod-security-admission/policy"
	"sigs.k8s.io/yaml"
)

func main() {
	var releases []api.Version
	for _, argument := range os.Args[1:] {
		minor, err := strconv.Atoi(argument)
		if err != nil {
			log.Fatal(err)
		}
		releases = append(releases, api.MajorMinorVersion(1, minor))
	}
	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		pod, err := read(lines.Text())
		if err != nil {
			log.Fatalf("%s: %v", lines.Text(), err)
		}
		for _, release := range releases {
			fmt.Printf("%s\t%d\t%s\n", lines.Text(), release.Minor(), strings.Join(broken(pod, release), ","))
		}
	}
}

func read(path string) (*corev1.Pod, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var pod corev1.Pod
	return &pod, yaml.Unmarshal(text, &pod)
}

func broken(pod *corev1.Pod, release api.Version) []string {
	var names []string
	for _, check := range policy.DefaultChecks() {
		var latest policy.CheckPodFn
		for _, version := range check.Versions {
			if !release.Older(version.MinimumVersion) {
				latest = version.CheckPod
			}
		}
		if latest != nil && !latest(&pod.ObjectMeta, &pod.Spec).Allowed {
			names = append(names, string(check.ID))
		}
	}
	sort.Strings(names)
	return names
}
