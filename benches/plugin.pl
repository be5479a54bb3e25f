#!/usr/bin/perl
# The panel's four words as somebody would write them in an afternoon: what ours stand beside.
use strict;
use warnings;
use Fcntl;
use FindBin;
use IO::Handle;
use JSON::PP;

my $home = "$FindBin::Bin/..";

sub read_json {
    my ($path) = @_;
    open my $file, '<', $path or fail("$path: $!");
    local $/;
    return decode_json(<$file>);
}

sub answer { print encode_json($_[0]), "\n"; }

sub fail {
    answer({ error => 1, error_message => $_[0] });
    exit 1;
}

# Written, synced, renamed, and the folder synced.
sub store {
    my ($path, $value) = @_;
    sysopen my $file, "$path.new", O_WRONLY | O_CREAT | O_EXCL, 0600 or fail("$path: $!");
    print {$file} encode_json($value), "\n";
    $file->flush && $file->sync && close $file or fail("$path: $!");
    rename "$path.new", $path or fail("$path: $!");
    open my $folder, '<', "$home/orders" or fail("orders: $!");
    $folder->sync or fail("orders: $!");
}

my ($word, $id) = @ARGV;
$word //= '';
if ($word eq 'help') {
    answer({ name => 'plugin', version => '1', status => 'enabled',
        options => [qw(help configs order order_status)] });
} elsif ($word eq 'configs') {
    my $config = read_json("$home/etc/plugin.conf");
    my @sold = map { { id => $_->{id}, descr => $_->{descr} } } @{ $config->{configurations} };
    answer({ status => 'enabled', configurations => \@sold });
} elsif ($word eq 'order') {
    my $config = read_json("$home/etc/plugin.conf");
    grep { $_->{id} eq $id } @{ $config->{configurations} } or fail("no configuration $id");
    my $task = time . "-$$";
    store("$home/orders/$task.json",
        { task_id => $task, status => 'in_progress', configuration => $id });
    answer({ task_id => $task });
} elsif ($word eq 'order_status') {
    $id =~ /^[0-9-]+$/ or fail("no order $id");
    answer(read_json("$home/orders/$id.json"));
} else {
    fail("unknown word $word");
}
