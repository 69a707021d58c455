package process

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

const (
	startTimeout = 20 * time.Second
	stopTimeout  = 10 * time.Second
)

// Build compiles the command of this module that lies in pkg, e.g.
// ./test/fake/mailsink/fakemailsink, into dir and gives the binary's path.
func Build(dir, pkg string) (string, error) {
	module, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}").Output()
	if err != nil {
		return "", fmt.Errorf("find the module: %w", err)
	}
	binary := filepath.Join(dir, filepath.Base(pkg))
	build := exec.Command("go", "build", "-o", binary, pkg)
	build.Dir = strings.TrimSpace(string(module))
	if out, err := build.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build %s: %w\n%s", pkg, err, out)
	}
	return binary, nil
}

// Process is a running command.
type Process struct {
	Line string // the first line of its output: where it listens

	command *exec.Cmd
	ended   chan error
}

// Start runs the binary and waits for its first line.
func Start(binary string, arguments ...string) (*Process, error) {
	command := exec.Command(binary, arguments...)
	command.Stderr = os.Stderr
	out, err := command.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := command.Start(); err != nil {
		return nil, fmt.Errorf("start %s: %w", binary, err)
	}
	p := &Process{command: command, ended: make(chan error, 1)}
	first := make(chan string, 1)
	go func() {
		line, _ := bufio.NewReader(out).ReadString('\n') // an early end shows as an empty line
		first <- strings.TrimSpace(line)
	}()
	select {
	case p.Line = <-first:
	case <-time.After(startTimeout):
	}
	go func() { p.ended <- command.Wait() }()
	if p.Line == "" {
		return nil, errors.Join(fmt.Errorf("%s did not say where it listens", binary), p.Stop())
	}
	return p, nil
}

// PID is the process's id.
func (p *Process) PID() int { return p.command.Process.Pid }

// CPU is what the process used; it is known only after Stop.
func (p *Process) CPU() time.Duration {
	state := p.command.ProcessState
	if state == nil {
		return 0
	}
	return state.UserTime() + state.SystemTime()
}

// Stop asks the process to end, and ends it if it doesn't.
func (p *Process) Stop() error {
	_ = p.command.Process.Signal(syscall.SIGTERM) // it may have ended already
	select {
	case err := <-p.ended:
		return err
	case <-time.After(stopTimeout):
	}
	_ = p.command.Process.Kill() // likewise
	return fmt.Errorf("%s did not end when asked to: %w", p.command.Path, <-p.ended)
}
