using Streams.Core;

namespace Streams.Client.Tests;

public class ClusterSessionTests
{
    private static readonly ClusterEndpoint Endpoint = new(ClusterName.Parse("a"), "127.0.0.1", 1);

    [Theory]
    [InlineData(true, true)]
    [InlineData(false, true)]
    [InlineData(true, false)]
    public async Task It_ends_as_its_connection_says_even_when_a_message_under_way_fails_first(bool answered, bool together)
    {
        SessionLoss loss = together ? SessionLoss.Together : SessionLoss.Alone;
        DyingConnection connection = new();
        await using ClusterSession session = new(Endpoint, TimeSpan.FromMinutes(1), TimeProvider.System);
        session.Attach(connection);
        Task sending = answered ? session.AskAsync("t", new byte[1]) : session.TellAsync("t", new byte[1]);
        connection.Sending.SetException(new IOException("The connection was closed."));
        await Task.Yield();
        Assert.False(session.Ended.IsCompleted);
        connection.HowItEnds.SetResult(new ConnectionEnd("it closed", loss));
        Assert.Equal("it closed", await session.Ended);
        Assert.Equal(loss, session.Loss);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(async () =>
        {
            await sending;
            session.Token.ThrowIfCancellationRequested();
        });
    }

    [Fact]
    public async Task A_connection_that_is_over_and_does_not_say_how_is_not_waited_for()
    {
        DyingConnection connection = new();
        await using ClusterSession session = new(Endpoint, TimeSpan.FromMilliseconds(50), TimeProvider.System);
        session.Attach(connection);
        connection.Sending.SetException(new IOException("The connection was closed."));
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => session.AskAsync("t", new byte[1]));
        Assert.Equal("The connection was closed.", await session.Ended);
        Assert.Equal(SessionLoss.Alone, session.Loss);
    }

    private sealed class DyingConnection : IClusterConnection
    {
        public TaskCompletionSource<ClusterAnswer> Sending { get; } = new();

        public TaskCompletionSource<ConnectionEnd> HowItEnds { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public Task<ConnectionEnd> Closed => HowItEnds.Task;

        public Task<ClusterAnswer> SendAsync(string topic, ReadOnlyMemory<byte> payload, bool answered,
            CancellationToken cancellationToken) => Sending.Task.WaitAsync(cancellationToken);

        public ValueTask DisposeAsync() => ValueTask.CompletedTask;
    }
}
