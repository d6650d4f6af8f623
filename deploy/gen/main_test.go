package main

import (
	"bytes"
	"os"
	"path/filepath"
	"reflect"
	"testing"
)

// What stands in deploy/ is what the documents that the Rego evaluates give.
func TestTheRolesAreWrittenFromThePersonas(t *testing.T) {
	files, err := generate()
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range files {
		got, err := os.ReadFile(filepath.Join("..", name))
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got, want) {
			t.Errorf("deploy/%s is not what rego/personas says; run: go run ./deploy/gen", name)
		}
	}
}

// IAM's own variables must not become CloudFormation's or Terraform's.
func TestVariablesOfIAMStayIAMs(t *testing.T) {
	const text = "arn:{{partition}}:s3:::${aws:username}/{{cluster}}"
	want := object("Fn::Sub", "arn:${AWS::Partition}:s3:::${!aws:username}/${Cluster}")
	if got := substituted(object("Resource", text)); !reflect.DeepEqual(got, object("Resource", want)) {
		t.Errorf("CloudFormation: %v", got)
	}
	if got, want := hcl(text), `"arn:${local.partition}:s3:::$${aws:username}/${var.cluster}"`; got != want {
		t.Errorf("Terraform: %s, want %s", got, want)
	}
}
